"""How many recorded histories an audit gets through.

The load: histories of 50 events, one session with five activities each, in files as a server exports them (indented proto JSON, 28 kB).
Everything counts: reading the files, decoding, finding the sessions, judging.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Measurement, stopwatch
from sim import Scenario, audit, run
from sim.history.temporal_json import to_json

EVENTS = 50
PROGRAM = [
    {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
    *({"op": "act", "in": "s", "work": {"ms": 1000}} for _ in range(5)),
    {"op": "complete", "in": "s"},
]


@cache
def _folder(histories: int) -> TemporaryDirectory[str]:
    """A folder with simulated histories, made once and deleted at the end."""
    workflows = [{"id": "job", "count": histories, "program": PROGRAM, "arrival": {"every": "1s"}}]
    result = run(Scenario.from_dict({"name": "audited", "workers": [{"name": "w", "count": 5}], "workflows": workflows}), 1, histories=True)
    folder = TemporaryDirectory(prefix="audited-")
    assert result.recorder is not None
    for one in result.recorder:
        workflow = one.run.split("/")[2]
        Path(folder.name, f"{workflow}.json").write_text(json.dumps(to_json(one, 0, workflow_id=workflow), indent=2), "utf-8")
    return folder


def histories_per_second(histories: int) -> Measurement:
    """Audit them; the count is of histories of 50 events."""
    folder = _folder(histories).name
    with stopwatch() as watch:
        result = audit(folder, slots=1000)
    events = sum(one.events for one in result.runs)
    if len(result.sessions) != histories or result.ends()["completed"] != histories or not result.as_expected:
        raise RuntimeError(f"audit: {result.ends()} instead of {histories} completed sessions")
    return watch.measurement(round(events / EVENTS), events_each=events / histories)
