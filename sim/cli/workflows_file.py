"""How every workflow ended, a line of JSON each: for runs with more workflows than one JSON object should list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.model.text import as_json
from sim.protocol import observations as obs
from sim.scenario.metrics import KEPT_WORKFLOWS, SECOND, SessionMetrics, plain

if TYPE_CHECKING:
    from sim.scenario.cluster import Cluster
    from sim.simulator.simulation import Simulation

NAME = "workflows.jsonl"


class WorkflowsFile:
    """An observer that writes the file as workflows close, so that memory does not grow with them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.count = 0
        self._sessions = SessionMetrics()
        self._open: dict[str, None] = {}
        self._file = self.path.open("w", encoding="utf-8")

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        self._sessions.attach(cluster, simulation)
        simulation.listen(obs.WorkflowStarted, self._started)
        simulation.listen(obs.WorkflowClosed, self._closed)

    def _started(self, time: int, node: str, o: Any) -> None:
        self._open[o.workflow_id] = None

    def _closed(self, time: int, node: str, o: Any) -> None:
        if not o.next_run:
            self._open.pop(o.workflow_id, None)
            self._write(o.workflow_id, o.status, plain(o.outcome))

    def _write(self, name: str, status: str, outcome: object) -> None:
        wait = self._sessions.waited.pop(name, None)
        row = {"id": name, "status": status, "wait_s": None if wait is None else wait / SECOND, "outcome": as_json(outcome)}
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.count += 1

    def finish(self) -> Path | None:
        """Write what is still open and close the file: its path, or None (and no file) when the list has room for all."""
        for name in self._open:
            self._write(name, "RUNNING", None)
        self._file.close()
        if self.count <= KEPT_WORKFLOWS:
            self.path.unlink()
            return None
        return self.path
