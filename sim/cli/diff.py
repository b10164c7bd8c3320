"""`session-sim diff`: where two runs part, and what came of it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.exits import Exit, guarded, leave
from sim.cli.output import print_json, to_user
from sim.report.clock import stamp

if TYPE_CHECKING:
    from sim.report.story import Line
    from sim.scenario.run import RunResult
    from sim.trace.tape import Tape

AROUND = 2
"""Lines of the common story that are shown before the first difference."""


@guarded
def command(
    a: Annotated[str, typer.Argument(metavar="A", help="A tape, or a directory that run --out wrote.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when the runs differ.")] = False,
) -> None:
    """Show the first difference of two runs and its consequences: sessions, workflows, promises.

    Example: session-sim diff reports/good/run.tape reports/bad/run.tape
    """
    from sim.cli import load
    from sim.cli.progress import patiently
    from sim.cli.rerun import rerun
    from sim.report.story import StoryCollector

    tapes = (load.tape(a), load.tape(b))
    stories = (StoryCollector(), StoryCollector())
    with patiently("running both tapes"):
        results = [rerun(tape, [story]) for tape, story in zip(tapes, stories, strict=True)]
    found = compare(tapes, results, [story.story().told(routine=True) for story in stories])
    if as_json:
        print_json(found)
    else:
        _show(found)
    leave(Exit.NOT_AS_EXPECTED if exit_code and not found["same"] else Exit.OK)


def compare(tapes: tuple[Tape, Tape], results: list[RunResult], told: list[list[Line]]) -> dict[str, Any]:
    """What differs, as JSON data: inputs, the first difference in the stories, and the consequences."""
    one, two = results
    first = None
    for index, pair in enumerate(zip_longest(*told)):
        left, right = pair
        if left is None or right is None or (left.time, left.text) != (right.time, right.text):
            earliest = min(line.time for line in pair if line is not None)
            before = [str(line) for line in told[0][max(0, index - AROUND) : index]]
            first = {"at_s": earliest / 1e6, "a": _said(left), "b": _said(right), "before": before}
            break
    return {
        "same": one.digest == two.digest,
        "digests": [one.digest, two.digest],
        "inputs": _inputs(*tapes),
        "first_difference": first,
        "consequences": _consequences(one, two),
    }


def _said(line: Line | None) -> dict[str, Any] | None:
    return None if line is None else {"at_s": line.time / 1e6, "text": line.text}


def _inputs(a: Tape, b: Tape) -> list[dict[str, Any]]:
    """Keys of the scenarios, the seeds, and deviations that differ."""
    left, right = _flat(a.scenario), _flat(b.scenario)
    found = [{"key": k, "a": left.get(k), "b": right.get(k)} for k in sorted(left.keys() | right.keys()) if left.get(k) != right.get(k)]
    if a.seed != b.seed:
        found.insert(0, {"key": "seed", "a": a.seed, "b": b.seed})
    for label in sorted(a.deviations.keys() | b.deviations.keys()):
        if a.deviations.get(label) != b.deviations.get(label):
            found.append({"key": f"deviation {label}", "a": a.deviations.get(label), "b": b.deviations.get(label)})
    return found


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """The leaves of nested JSON data by their path."""
    if isinstance(value, dict):
        return {key: leaf for name, inner in value.items() for key, leaf in _flat(inner, f"{path}.{name}" if path else name).items()}
    if isinstance(value, list) and value:
        return {key: leaf for i, inner in enumerate(value) for key, leaf in _flat(inner, f"{path}[{i}]").items()}
    return {path: value}


def _consequences(a: RunResult, b: RunResult) -> list[dict[str, Any]]:
    """Figures, verdicts and ends of workflows that differ."""
    left, right = a.to_json(), b.to_json()
    kept = ("ended_at_s", "properties", "sessions", "creation_wait_s", "slots", "messages")
    flat = [_flat({key: data[key] for key in kept}) for data in (left, right)]
    found = [{"what": k, "a": flat[0].get(k), "b": flat[1].get(k)} for k in {**flat[0], **flat[1]} if flat[0].get(k) != flat[1].get(k)]
    ends = [{workflow["id"]: workflow for workflow in data["workflows"]} for data in (left, right)]
    for name in sorted({**ends[0], **ends[1]}):
        pair = [None if name not in end else {"status": end[name]["status"], "outcome": end[name]["outcome"]} for end in ends]
        if pair[0] != pair[1]:
            found.append({"what": f"workflow {name}", "a": pair[0], "b": pair[1]})
    return found


def _show(found: dict[str, Any]) -> None:
    console = to_user()
    if found["same"]:
        console.print(f"The same run: digest {found['digests'][0]}.", style="green")
        return
    if found["inputs"]:
        console.print("What they were given differs", style="bold")
        for row in found["inputs"][:20]:
            console.print(f"  {row['key']}: {_short(row['a'])} / {_short(row['b'])}", markup=False, soft_wrap=True)
    first = found["first_difference"]
    console.print("\nFirst difference in what happened", style="bold")
    if first is None:
        console.print("  none that a story tells: only times and messages below its lines differ")
    else:
        for line in first["before"]:
            console.print(f"    {line}", style="dim", markup=False, soft_wrap=True)
        for side in ("a", "b"):
            said = first[side]
            text = f"{stamp(round(said['at_s'] * 1e6), 6)} {said['text']}" if said else "the story is over"
            console.print(f"  {side.upper()} {text}", style="red" if side == "a" else "green", markup=False, soft_wrap=True)
    console.print("\nConsequences", style="bold")
    for row in found["consequences"][:40]:
        console.print(f"  {row['what']}: {_short(row['a'])} / {_short(row['b'])}", markup=False, soft_wrap=True)
    if not found["consequences"]:
        console.print("  none: the same sessions, workflows and verdicts")


def _short(value: Any) -> str:
    if isinstance(value, dict) and "status" in value:
        return str(value["status"])
    text = "–" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
