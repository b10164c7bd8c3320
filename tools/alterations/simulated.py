"""Cases that were simulated, as folders like those of a recorded one; the folder tells nothing that a recording does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from conformance.draw import NOBODY, scenario
from conformance.plan import CALL_FAULTS
from sim import Scenario, run
from sim.cli.artifacts import EPOCH_US, write_histories
from sim.evidence.rebuild import NOTED_LATE
from sim.model.durations import parse_duration

FAULTS: Final[Mapping[str, str]] = {
    "kill": "kill -9",
    "lose_machine": "machine lost",
    "stop": "graceful stop (SIGTERM)",
    "pause": "SIGSTOP",
    "cancel": "cancel workflow",
    "terminate": "terminate workflow",
}
ENDS: Final[Mapping[str, str]] = {"pause": "SIGCONT", "partition": "network released", "call": "call faults end", "stop": "start worker",
                                  "kill": "start worker", "lose_machine": "start worker"}  # fmt: skip
TOLD: Final = (*FAULTS, *CALL_FAULTS, "partition", "signal")
"""Faults that a timeline tells."""
SESSIONS: Final = {"max_concurrent_session_execution_size": "sessions", "max_concurrent_activity_execution_size": "activities"}
READY_US: Final = 500_000
"""Workers start this long before anything else."""


def folder(seed: int, to: Path) -> Path | None:
    """Simulate what a seed draws, and write it as a case; None when it has something that no timeline tells.

    Faults at moments of the protocol are left out: a recording tells times.
    """
    drawn = scenario(seed, outages=False)
    if NOBODY in json.dumps([drawn["workflows"], drawn["faults"]]):
        return None
    drawn["faults"] = [fault for fault in drawn["faults"] if "at" in fault and fault["kind"] in TOLD]
    for section in (*drawn["workflows"], *drawn["faults"]):
        _delay(section)
    drawn["cluster"] = {"task_queue": drawn["name"]}
    loaded = Scenario.from_dict(drawn)
    recorder = run(loaded, seed, histories=True, properties=()).recorder
    assert recorder is not None
    place = to / drawn["name"]
    write_histories(recorder, place, loaded.model.cluster.sdk_version)
    runs = sorted((name.split("/")[2:] for name in (recorded.run for recorded in recorder)), key=lambda part: (part[0], int(part[1])))
    files = [{"workflow_id": w, "file": f"{w}.json" if n == "1" else f"{w}.run{n}.json"} for w, n in runs]
    (place / "case.json").write_text(json.dumps(_case(drawn, loaded.model.cluster.sdk_version, files), indent=1))
    return place


def _delay(section: dict[str, Any]) -> None:
    """Nothing happens before the workers are there."""
    if "arrival" in section:
        section["arrival"] = {"at": [f"{parse_duration(at) + READY_US}us" for at in section["arrival"]["at"]]}
    else:
        section["at"] = f"{parse_duration(section['at']) + READY_US}us"


def _case(drawn: dict[str, Any], sdk: str, files: list[dict[str, str]]) -> dict[str, Any]:
    first = min(parse_duration(w["arrival"]["at"][0]) for w in drawn["workflows"])
    lines = [_line(NOTED_LATE - first, "start worker", w["name"]) for w in drawn["workers"]]
    for fault in drawn["faults"]:
        lines += _lines(fault, first)
    return {
        "name": drawn["name"],
        "what": drawn["title"],
        "t0": (EPOCH_US + first) / 1e6,
        "sdk": f"go {sdk}",
        "task_queue": drawn["name"],
        "workers": {w["name"]: _options(w) for w in drawn["workers"]},
        "workflows": [_workflow(w) for w in drawn["workflows"]],
        "timeline": sorted(lines, key=lambda line: float(line["t"])),
        "runs": files,
    }


def _options(worker: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {short: worker[long] for long, short in SESSIONS.items() if long in worker}
    found |= {"stop_timeout": worker["worker_stop_timeout"]} if "worker_stop_timeout" in worker else {}
    found |= {"no_workflow": True} if worker.get("disable_workflow_worker") else {}
    return found | ({} if worker.get("enable_session_worker", True) else {"no_session": True})


def _workflow(section: dict[str, Any]) -> dict[str, Any]:
    options = {key: section[key] for key in ("run_timeout", "execution_timeout") if key in section}
    return {"id": section["id"], "steps": section["program"], **({"options": options} if options else {})}


def _line(at: int, what: str, who: str) -> dict[str, Any]:
    return {"t": at / 1e6, "what": what, "who": who}


def _lines(fault: dict[str, Any], first: int) -> list[dict[str, Any]]:
    """What whoever made the fault would have noted."""
    kind, at = fault["kind"], parse_duration(fault["at"]) - first
    if kind == "signal":
        return []
    who = fault["target"]
    if kind in CALL_FAULTS:
        what = f"call fault {json.dumps(_rule(fault))}"
    elif kind == "partition":
        what = f"network held ({fault['direction']})"
    else:
        what = FAULTS[kind]
    lines = [_line(at, what, who)]
    if "for" in fault:
        end = ENDS["call" if kind in CALL_FAULTS else kind]
        late = NOTED_LATE if end == "start worker" else 0
        lines.append(_line(at + parse_duration(fault["for"]) + late, end, who))
    return lines


def _rule(fault: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"method": fault["method"], "mode": fault["kind"]}
    block = fault.get("noticed_after") or fault.get("delay")
    rule |= {"count": fault["calls"]} if "calls" in fault else {}
    rule |= {"block_ms": parse_duration(block) // 1000} if block else {}
    return rule | ({"code": fault["code"]} if "code" in fault else {})
