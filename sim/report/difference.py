"""Where two runs part, and what came of it, as JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

from sim.report.story import Line
from sim.scenario.run import RunResult
from sim.trace.tape import Tape

AROUND: Final = 2
"""Lines of the common story that are shown before the first difference."""


def compare(tapes: tuple[Tape, Tape], results: Sequence[RunResult], told: Sequence[Sequence[Line]]) -> dict[str, Any]:
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


def brief(value: Any) -> str:
    """One side of a difference in a few words: of a workflow its status, of a number six digits."""
    match value:
        case None:
            return "–"
        case {"status": status}:
            return str(status)
        case float():
            return f"{value:.6g}"
        case _:
            text = str(value)
            return text if len(text) <= 60 else text[:57] + "…"


__all__ = ["AROUND", "brief", "compare"]
