"""Recorded cases as scenarios: the same workers, programs and faults at the same times, with any latencies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim import Scenario
from sim.evidence.calibrate_samples import Recording

BEFORE_S = 2.0
"""The scenario's time at the recording's time 0, seconds: workers start before."""

DIRECTIONS = {"network held (both)": "both", "network held (up)": "up", "network held (down)": "down"}
ENDS = {**dict.fromkeys(DIRECTIONS, "network released"), "SIGSTOP": "SIGCONT"}
AFTER_S = 60.0


def scenario_of(case: Mapping[str, Any], recording: Recording, latencies: Mapping[str, Any]) -> Scenario:
    """A scenario of a recorded case. Raises ValueError for what such a scenario cannot say."""
    begins = {h.workflow_id: h.events[0].time / 1e6 - case["t0"] for h in reversed(recording.histories)}
    timeline = case["timeline"]
    content: dict[str, Any] = {
        "name": case["name"],
        "until": f"{BEFORE_S + _last(recording, case) + AFTER_S:.3f}s",
        "cluster": {"task_queue": case["task_queue"], "sdk_version": case["sdk"].removeprefix("go").strip()},
        "workers": [_worker(name, options, timeline) for name, options in case["workers"].items()],
        "workflows": [_workflow(workflow, begins) for workflow in case["workflows"]],
        "faults": [fault for number, entry in enumerate(timeline) for fault in _faults(case, timeline, number, entry)],
        "properties": {"enable": []},
        **{key: value for key, value in latencies.items() if key in ("latencies", "network")},
    }
    return Scenario.from_dict(content, source=case["name"])


def _last(recording: Recording, case: Mapping[str, Any]) -> float:
    return float(max(h.events[-1].time for h in recording.histories)) / 1e6 - float(case["t0"])


def _at(entry: Mapping[str, Any]) -> str:
    return f"{BEFORE_S + entry['t']:.6f}s"


def _worker(name: str, options: Mapping[str, Any], timeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    starts = [entry for entry in timeline if entry["what"] == "start worker" and entry.get("who") == name]
    return {
        "name": name,
        "host": options["host"],
        "start_at": _at(starts[0]) if starts else "never",
        "enable_session_worker": not options.get("no_session", False),
        "max_concurrent_session_execution_size": options.get("sessions", 1000),
        "max_concurrent_activity_execution_size": options.get("activities", 1000),
        "worker_stop_timeout": options.get("stop_timeout", "0s"),
        "disable_workflow_worker": options.get("no_workflow", False),
    }


def _workflow(workflow: Mapping[str, Any], begins: Mapping[str, float]) -> dict[str, Any]:
    given = workflow.get("options", {})
    table: dict[str, Any] = {
        "id": workflow["id"],
        "program": workflow["steps"],
        "arrival": {"at": f"{BEFORE_S + begins[workflow['id']]:.6f}s"},
    }
    for name in ("run_timeout", "execution_timeout", "task_timeout"):
        if name in given:
            hours, minutes, seconds = given[name].split(":")
            table[name] = f"{int(hours) * 3600 + int(minutes) * 60 + float(seconds):g}s"
    return table


def _faults(case: Mapping[str, Any], timeline: Sequence[Mapping[str, Any]], number: int, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the timeline's entry comes to: one fault, or none for starts, ends, and what had no effect."""
    what, who = entry["what"], entry.get("who", "")
    fault: dict[str, Any] = {"at": _at(entry), "target": who}
    until = next((e for e in timeline[number + 1 :] if e.get("who") == who and e["what"] == ENDS.get(what, "call faults end")), None)
    lasts = {} if until is None else {"for": f"{until['t'] - entry['t']:.6f}s"}
    if what == "start worker":
        again = any(e["what"] == what and e.get("who") == who for e in timeline[:number])
        return [{**fault, "kind": "start"}] if again else []
    if what in ("start workflow", "terminate refused", *ENDS.values(), "call faults end"):
        return []
    if what.startswith(("cancel workflow", "terminate workflow")):
        target = who or case["workflows"][0]["id"]
        return [{**fault, "kind": what.partition(" ")[0], "target": target}]
    if what == "kill -9":
        return [{**fault, "kind": "kill"}]
    if what.startswith("graceful stop"):
        return [{**fault, "kind": "stop"}]
    if what == "SIGSTOP":
        return [{**fault, **lasts, "kind": "pause"}]
    if what in DIRECTIONS:
        return [{**fault, **lasts, "kind": "partition", "direction": DIRECTIONS[what]}]
    if what.startswith("machine lost"):
        return [{**fault, "kind": "lose_machine"}]
    if what.startswith("call fault "):
        return [{**fault, **_call_fault(json.loads(what.removeprefix("call fault ")), lasts)}]
    raise ValueError(f"the timeline's {what!r} is not known here")


def _call_fault(rule: Mapping[str, Any], lasts: Mapping[str, str]) -> dict[str, Any]:
    fault: dict[str, Any] = {"kind": rule["mode"], "method": rule["method"]}
    if rule["mode"] not in ("lose_request", "lose_response"):
        raise ValueError(f"the call fault {rule['mode']!r} is not known here")
    if "block_ms" in rule:
        fault["noticed_after"] = f"{rule['block_ms']}ms"
    # A count bounds it by itself; its end in the timeline matters only where none was hit before.
    return {**fault, "calls": rule["count"], **lasts} if "count" in rule else {**fault, **(lasts or {"for": "1h"})}


def read_case(folder: Path) -> dict[str, Any]:
    """A folder's case.json."""
    content = json.loads((folder / "case.json").read_text("utf-8"))
    assert isinstance(content, dict)
    return content
