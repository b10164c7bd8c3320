"""What the design note says in numbers, as the report's data have it: a test looks for every sentence in the note."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.properties.scenarios_broken import BROKEN
from tests.repairs.promises import BEYOND
from tools.repairs.costs import SEEDS, difference, of_original
from tools.repairs.exercised import SEEDS as EXERCISED
from tools.repairs.proofs import Row, Rows
from tools.repairs.scopes import IN_TICKS, SCOPES, Scope
from tools.repairs.simulated import SEEDS as RANDOM_SEEDS
from tools.repairs.variants import ALL_REPAIRS, NAMES, ORIGINAL, Variant

FOLDER: Final = Path(__file__).parents[2] / "reports" / "repairs"
SEARCHED: Final = ("activity_needs_slot", "failure_is_failure", "one_binding", "closed_is_final")
"""What a search without a clock breaks, and a run confirms."""
RANDOM: Final = (
    "activity_needs_slot", "failure_is_failure", "failure_is_seen", "closed_is_final", "no_false_alarm", "creation_bounded",
    "creation_uses_free_slots", "exclusive_work",
)  # fmt: skip


def _read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


def claims() -> Iterator[str]:
    """Every sentence, or part of one, that has numbers in it."""
    rows = Rows(FOLDER / "proofs.jsonl")
    yield from _searched(rows)
    yield from _in_ticks(rows)
    scenarios = len({scenario for found in BROKEN.values() for scenario, _ in found})
    beyond = len({scenario for found in BEYOND.values() for scenario in found})
    words = {16: "Sixteen", 11: "Eleven", 6: "Six"}
    yield f"{words[len(BROKEN)]} of the session framework's promises"
    yield f"{words[len(NAMES)]} small changes"
    yield f"{words[beyond]} scenarios stay broken"
    yield f"in scenarios, {scenarios} in all"
    yield f"of the {scenarios} scenarios {scenarios - beyond} are mended"
    yield f"in {len(SCOPES)} scopes without a clock and {len(IN_TICKS)} in ticks"
    yield _random()
    yield _replayed()
    yield _acted()
    yield from _costs()


def _searched(rows: Rows) -> Iterator[str]:
    for name in SEARCHED:
        broken = next(row for row in _of(rows, ORIGINAL, SCOPES) if name in row.broken)
        held = max((row for row in _of(rows, ALL_REPAIRS, SCOPES) if name in row.held and not row.stopped), key=lambda row: row.states)
        assert not any(name in row.broken for row in _of(rows, ALL_REPAIRS, SCOPES))
        yield f"| `{name}` | {broken.scope}; {broken.broken[name]} steps: "
        yield f"| {held.scope}; {held.states:,} states |"


def _of(rows: Rows, variant: Variant, scopes: tuple[Scope, ...]) -> list[Row]:
    return [row for scope in scopes if (row := rows.find(variant, scope)) is not None]


def _in_ticks(rows: Rows) -> Iterator[str]:
    """A row of the note's table for each scope, and each property that it looks at and somebody breaks."""
    for scope in IN_TICKS:
        found = [rows.find(variant, scope) for variant in (ORIGINAL, ALL_REPAIRS)]
        if None not in found:
            for name in scope.only:
                said = [_verdict(row, name) for row in found if row is not None]
                if any(word != "held" and not word.startswith("held,") for word in said):
                    yield f"| `{name}` | {scope} | {said[0]} | {said[1]} |"


def _verdict(row: Row, name: str) -> str:
    if name in row.broken:
        return f"broken, {row.broken[name]} steps"
    if name in row.clockless:
        return "no clock allows what breaks it"
    if name in row.untested:
        return "not decided"
    return f"held, {row.states:,} states" if name in row.held and not row.stopped else "never put to the test"


def _random() -> str:
    broken = {name: [len(_read("random.json")[variant].get(name, ())) for variant in ("original", "all")] for name in RANDOM}
    falls = "; ".join(f"`{name}` falls from {before} to {after or 'none'}" for name, (before, after) in broken.items())
    return f"In {len(RANDOM_SEEDS)} random clusters, the same for all, under one to five faults: {falls}"


def _replayed() -> str:
    found = _read("replays.json")
    number = {name: of["verdicts"].get("accepted", 0) for name, of in found.items()}
    total = sum(found["original"]["verdicts"].values())
    every = [str(NAMES.index(name) + 1) for name in NAMES if number[name] == total]
    some = [f"{number[name] or 'none'} with {NAMES.index(name) + 1}" for name in NAMES if number[name] < total]
    return f"{total} histories of each repair of drawn programs: all with {_and(every)}, {_and(some)}"


def _acted() -> str:
    found: Mapping[str, Any] = _read("exercised.json")
    accepted = [str(NAMES.index(name) + 1) for name in NAMES if not found[name]["verdicts"].get("refused")]
    refused = [str(NAMES.index(name) + 1) for name in NAMES if not found[name]["verdicts"].get("accepted")]
    least = min(of["acted"] for of in found.values())
    verdicts = f"all are accepted with {_and(accepted)}, none with {_and(refused)}"
    return f"{len(EXERCISED)} seeds: each acts in {least} histories or more; {verdicts}"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _costs() -> Iterator[str]:
    measured = _read("costs.json")
    yield f"{len(SEEDS)} paired seeds"
    for scene, name, number in (("deploy", "stop_waits_for_sessions", 10), ("outages", "heartbeats_go_on", 9)):
        saved, before = difference(measured, scene, name, "messages"), of_original(measured, scene, "messages")
        sessions = difference(measured, scene, name, "sessions")
        yield f"{number} saves {-saved.estimate:.1f} ± {saved.half_width:.1f} messages of {before.estimate:.1f} for each workflow"
        yield f"{-sessions.estimate:.2f} ± {sessions.half_width:.2f} sessions"
    for scene in ("calm", "crashes"):
        for figure in ("messages", "wait_s", "slot_s", "time_s", "sessions"):
            more = difference(measured, scene, "all", figure)
            assert more.low <= 0 <= more.high, f"{scene}: {figure} differs beyond chance"
