"""How often each repair, and each part of the other protocols, acts in drawn scenarios for it; who reads and replays what comes of it."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypedDict

from conformance import simulated
from conformance.build import REPLAYER, BuildError, build
from conformance.replays import REFUSED, replay
from sim import Scenario, run
from sim.scenario.cluster import Cluster
from sim.simulator.simulation import Simulation
from sim.workflow import seen
from tools.repairs.exercises import OF_HOST, OF_REPAIRS, Draw, Table, drawn
from tools.repairs.replays import kind_of, loads

SEEDS: Final = range(1, 41)


class Exercised(TypedDict):
    """`protocol`: "" for a repair of the original. `acted`: the histories in which the mechanism had something to do, of `histories`;
    `loaded`: how many temporalio reads; `verdicts`, `whys`: what the Go SDK says of those in which it acted, without Go nothing."""

    protocol: str
    histories: int
    acted: int
    loaded: int
    verdicts: dict[str, int]
    whys: dict[str, int]


@dataclass(frozen=True, slots=True)
class Mechanism:
    """`marks`: patterns that all stand in a history in which it had something to do; a repair's are found by what differs without it."""

    name: str
    protocol: str
    draw: Draw
    marks: tuple[str, ...] = ()

    @property
    def scenario(self) -> str:
        """What happens there."""
        return " ".join((self.draw.__doc__ or self.draw.__name__).split())

    def tables(self, seed: int) -> Table:
        """A drawn scenario with it."""
        plain = drawn(self.draw, seed)
        return plain if self.protocol else {**plain, "repairs": [self.name]}

    def acted(self, seed: int, files: Sequence[Path]) -> list[Path]:
        """Those of a seed's histories in which it had something to do."""
        if self.protocol:
            return [file for file in files if all(re.search(mark, _text(file)) for mark in self.marks)]
        # Of one workflow each.
        differs = _told(drawn(self.draw, seed), seed) != _told(self.tables(seed), seed)
        return list(files) if differs else []


MECHANISMS: Final = (
    *(Mechanism(name, "", draw) for name, draw in OF_REPAIRS.items()),
    *(Mechanism(name, protocol, draw, marks) for name, (protocol, draw, marks) in OF_HOST.items()),
)


class _Seen:
    """Keeps what workflow code saw of its sessions."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Any]] = []

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        for kind in (seen.SessionAsked, seen.SessionCreated, seen.SessionNotCreated, seen.SessionStateChanged):
            simulation.listen(kind, lambda time, node, o: self.told.append((time, o)))


def _told(tables: Table, seed: int) -> tuple[Any, ...]:
    """A run's histories, with times, and what workflow code saw of its sessions."""
    watcher = _Seen()
    recorder = run(Scenario.from_dict(tables), seed, histories=True, properties=(), observers=[watcher]).recorder
    assert recorder is not None
    return watcher.told, [[(recorded.time, recorded.event) for recorded in one.events] for one in recorder]


def _text(file: Path) -> str:
    """A history, and what its payloads say, without blanks."""
    text = file.read_text("utf-8")
    said = [base64.b64decode(data).decode("utf-8", "replace") for data in re.findall(r'"data":\s*"([A-Za-z0-9+/=]+)"', text)]
    return re.sub(r"\s+", "", "\n".join([text, *said]))


def exercise(mechanism: Mechanism, seeds: Iterable[int], folder: Path) -> tuple[list[Path], list[Path]]:
    """Histories of drawn scenarios for a mechanism: all, and those in which it had something to do."""
    every, acted = [], []
    for seed in seeds:
        files = simulated.export([seed], folder, mechanism.tables)
        every += files
        acted += mechanism.acted(seed, files)
    return every, acted


def exercised(path: Path, mechanisms: Iterable[Mechanism] = MECHANISMS) -> Mapping[str, Exercised]:
    """Exercise what was not yet; `path` keeps it. Raises BuildError without Go."""
    found: dict[str, Exercised] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for mechanism in mechanisms:
        if mechanism.name in found:
            continue
        with tempfile.TemporaryDirectory() as folder:
            every, acted = exercise(mechanism, SEEDS, Path(folder))
            loaded = sum(loads(file) for file in every)
            told = replay(build(REPLAYER), acted)
        whys = Counter(kind_of(r.why) for r in told if r.verdict == REFUSED)
        found[mechanism.name] = {
            "protocol": mechanism.protocol,
            "histories": len(every),
            "acted": len(acted),
            "loaded": loaded,
            "verdicts": dict(sorted(Counter(r.verdict for r in told).items())),
            "whys": dict(whys.most_common()),
        }
        path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        print(f"exercised: {mechanism.name}: {found[mechanism.name]}", flush=True)
    return found


__all__ = ["MECHANISMS", "SEEDS", "BuildError", "Exercised", "Mechanism", "exercise", "exercised"]
