"""Thousands of sessions allowed on a worker, or a few and a queue: the same items, the same fifteen at work."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from sim.protocol import observations as obs
from sim.report.plots import files, many_sessions
from sim.scenario.cluster import Cluster
from sim.scenario.load import Scenario
from sim.scenario.run import run
from sim.simulator.simulation import Simulation
from sim.sweep.statistics import mean_interval
from sim.workflow import seen
from sim.workflow.sessions import COMPLETION_ACTIVITY
from tools.studies.page import fill, share, spelled, table

AT_WORK: Final = 15
ALLOWED: Final = 5_000
ITEMS: Final = (1_000, 2_000, 5_000, 12_000)
SEEDS: Final = (1, 2, 3)
ANSWER: Final = """* **Nobody is served sooner.** {many:,} items are done after {lasted} s with {allowed:,} sessions allowed, and after
  {lasted_few} s with {at_work}: as many are at work at a time either way. What items do not wait for their session they wait for in it.
* **The server pays for it.** An open session heartbeats every 6.67 s, whether its item is at work or waits. With {at_work} sessions an
  item costs {messages} messages, however many there are; with {allowed:,} it costs {messages_few} of {few:,} items and {messages_many} of
  {many:,}, and {beats} heartbeats a second instead of {beats_few}.
* **CompleteSession does not get through.** The completion activity runs on the session's own queue, for a slot of the same {at_work},
  behind everything that waits there, and it has 3 s (P1.5.4, P3.5.3). Of {few:,} items {failed_few} fail to complete, of {many:,} items
  {failed_many}: each of them waits those 3 s, and its slot is free only when the worker's next heartbeat learns of the cancellation (P3.7).
"""


class Watcher:
    """Counts what a run costs the server, and what becomes of completions."""

    def __init__(self) -> None:
        self.heartbeats = self.unfinished = 0
        self.waits: list[int] = []
        self._asked: dict[tuple[str, int], int] = {}

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        simulation.listen(obs.HeartbeatRecorded, self._beat)
        simulation.listen(seen.SessionCompleteReturned, self._completed)
        simulation.listen(obs.ActivityScheduled, self._scheduled)
        simulation.listen(obs.AttemptBegan, self._began)

    def _beat(self, time: int, node: str, o: Any) -> None:
        self.heartbeats += 1

    def _completed(self, time: int, node: str, o: Any) -> None:
        self.unfinished += bool(o.error)

    def _scheduled(self, time: int, node: str, o: Any) -> None:
        if o.activity_type == "work":
            self._asked[o.run, o.ordinal] = time

    def _began(self, time: int, node: str, o: Any) -> None:
        since = self._asked.pop((o.run, o.ordinal), None)
        if since is not None and o.activity_type != COMPLETION_ACTIVITY:
            self.waits.append(time - since)


@dataclass(frozen=True, slots=True)
class Ran:
    """A run. Times in seconds."""

    items: int
    allowed: int
    seed: int
    lasted: float
    messages: int
    heartbeats: int
    creation_wait: float
    work_wait: float
    unfinished: int
    """Completions that came to nothing within their 3 seconds (P1.5.4)."""


def scenario(items: int, allowed: int) -> Scenario:
    """Either way fifteen items are at work at a time: by activity slots, or by session slots."""
    content = {
        "name": f"{items}-{allowed}", "until": "100h",
        "workers": [
            {"name": "w", "max_concurrent_session_execution_size": allowed, "max_concurrent_activity_execution_size": AT_WORK},
        ],
        "activities": {"work": {"duration": {"exponential": "10s"}}},
        "workflows": [
            {
                "id": "item", "count": items,
                "program": [
                    {"op": "create", "as": "s", "creation": "24h", "execution": "24h"},
                    {"op": "defer_complete", "in": "s"},
                    {"op": "act", "in": "s", "activity": "work", "stc": "24h"},
                ],
            },
        ],
    }  # fmt: skip
    return Scenario.from_dict(content)


def measured(items: int, allowed: int, seed: int) -> Ran:
    """One run."""
    watcher = Watcher()
    result = run(scenario(items, allowed), seed, properties=(), observers=[watcher])
    wait = result.creation_wait_s.mean
    assert wait is not None
    assert len(watcher.waits) == items
    return Ran(
        items, allowed, seed, result.ended_at_us / 1e6, result.messages, watcher.heartbeats, wait, fmean(watcher.waits) / 1e6,
        watcher.unfinished,
    )  # fmt: skip


def make(folder: Path) -> None:
    """Run all, and write the table and the figure."""
    ran = []
    for items in ITEMS:
        for allowed in (ALLOWED, AT_WORK):
            for seed in SEEDS:
                began = time.process_time()
                ran.append(measured(items, allowed, seed))
                print(
                    f"  {items:,} items, {allowed:,} allowed, seed {seed}: {time.process_time() - began:.0f} s", file=sys.stderr, flush=True
                )
    (folder / "runs.json").write_text(json.dumps([asdict(r) for r in ran], indent=1) + "\n", "utf-8")
    files.write("many-sessions", folder, lambda: many_sessions.draw([asdict(r) for r in ran]))
    fill(folder / "README.md", "runs", _table(ran))
    fill(folder / "README.md", "answer", _answer(ran))


def _table(ran: list[Ran]) -> str:
    rows = []
    for items in ITEMS:
        for allowed in (ALLOWED, AT_WORK):
            here = [r for r in ran if (r.items, r.allowed) == (items, allowed)]
            fields = [
                [r.lasted for r in here], [r.messages / items for r in here], [r.heartbeats / r.lasted for r in here],
                [r.creation_wait for r in here], [r.work_wait for r in here],
            ]  # fmt: skip
            failed = share([r.unfinished for r in here], [items] * len(here))
            rows.append((f"{items:,}", f"{allowed:,}", *(spelled(mean_interval(values)) for values in fields), failed))
    heads = [
        "items", "sessions allowed", "all done after, s", "messages an item", "heartbeats a second", "wait for the session, s",
        "then for the work, s", "completions that failed",
    ]  # fmt: skip
    return table(heads, rows)


def _answer(ran: list[Ran]) -> str:
    """What the runs say, in words."""

    def mean(value: Callable[[Ran], float], items: int, allowed: int) -> str:
        return spelled(mean_interval([value(r) for r in ran if (r.items, r.allowed) == (items, allowed)]))

    def failed(items: int) -> str:
        here = [r.unfinished for r in ran if (r.items, r.allowed) == (items, ALLOWED)]
        return share(here, [items] * len(here))

    few, many = ITEMS[0], ITEMS[-1]

    def messages(items: int, allowed: int) -> str:
        return mean(lambda r: r.messages / r.items, items, allowed)

    def beats(allowed: int) -> str:
        return mean(lambda r: r.heartbeats / r.lasted, many, allowed)

    def lasted(allowed: int) -> str:
        return mean(lambda r: r.lasted, many, allowed)

    return ANSWER.format(
        few=few, many=many, allowed=ALLOWED, at_work=AT_WORK, lasted=lasted(ALLOWED), lasted_few=lasted(AT_WORK),
        messages=messages(many, AT_WORK), messages_few=messages(few, ALLOWED), messages_many=messages(many, ALLOWED),
        beats=beats(ALLOWED), beats_few=beats(AT_WORK), failed_few=failed(few), failed_many=failed(many),
    )  # fmt: skip
