"""Recordings of a real server, cast as clusters of the simulator: the same workers, programs and faults at the same times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.history.events import Wrote
from sim.history.proto_json import parse_time
from sim.history.recorder import Recorded, Recorder
from sim.history.temporal_json import to_json
from sim.model.durations import parse_duration
from sim.model.laws import Constant
from sim.protocol import messages as msg
from sim.protocol.worker.options import WorkerOptions
from sim.scenario.cluster import Cluster, WorkerSpec
from sim.simulator.places import Delays
from sim.simulator.simulation import Simulation
from sim.workflow.script import SCRIPT
from sim.workflow.sdk import SdkVersion

BEFORE = 1_000_000
"""The simulation's time at the recording's time 0, microseconds: workers start before."""

ONE_WAY = 300
"""The delay of a message that no deviation changes, microseconds: less than any recorded, so that deviations only add."""


@dataclass(frozen=True)
class Recording:
    """A case's folder."""

    case: Mapping[str, Any]
    histories: dict[str, Mapping[str, Any]]
    """First runs' histories by workflow id."""

    @classmethod
    def load(cls, folder: Path) -> Recording:
        """Read a folder with a case.json. Raises FileNotFoundError when there is none."""
        case = json.loads((folder / "case.json").read_text())
        files: dict[str, str] = {}
        for run in case["runs"]:
            files.setdefault(run["workflow_id"], run["file"])
        return cls(case, {workflow: json.loads((folder / file).read_text()) for workflow, file in files.items()})

    def begin(self, workflow: str) -> int:
        """When the workflow's first event happened, microseconds of the simulation."""
        return BEFORE + parse_time(self.histories[workflow]["events"][0]["eventTime"]) - round(self.case["t0"] * 1e6)


@dataclass
class Performance:
    """What the simulator made of a recording."""

    sim: Simulation
    recorder: Recorder
    causes: dict[tuple[str, int], int] = field(default_factory=dict)
    """How many choices had been made when the event was written."""

    def run(self, workflow: str) -> list[Recorded]:
        return self.recorder[f"server/run/{workflow}/1"].events

    def export(self, workflow: str, sdk_version: str) -> Mapping[str, Any]:
        """The first run's history as proto JSON."""
        return to_json(self.recorder[f"server/run/{workflow}/1"], 1_700_000_000_000_000, sdk_version)


def perform(recording: Recording, deviations: Mapping[str, int]) -> Performance:
    """Let the simulator play a recording. Raises ValueError for a deviation that no choice met."""
    case = recording.case
    sim = Simulation(1, Delays(Constant(ONE_WAY)), deviations, recording=True)
    version = SdkVersion.parse(case["sdk"].removeprefix("go").strip())
    specs = [WorkerSpec(name, options["host"], case["task_queue"], _options(options, version)) for name, options in case["workers"].items()]
    cluster = Cluster(sim, specs, {"Script": SCRIPT}, {})
    performance = Performance(sim, Recorder(1))

    def wrote(time: int, node: str, observation: Any) -> None:
        performance.recorder(time, node, observation)
        events = performance.recorder[observation.run].events
        assert sim.choices.recorded is not None
        for recorded in events[-len(observation.events) :]:
            performance.causes[observation.run, recorded.event_id] = len(sim.choices.recorded)

    sim.listen(Wrote, wrote)
    for number, entry in enumerate(case["timeline"]):
        _schedule(recording, cluster, entry, number)
    last = max(parse_time(history["events"][-1]["eventTime"]) for history in recording.histories.values())
    sim.run(until=BEFORE + last - round(case["t0"] * 1e6) + 1_000_000)
    if unused := sim.choices.unused():
        raise ValueError(f"no choice met the deviations {', '.join(unused)}")
    return performance


def _options(given: Mapping[str, Any], version: SdkVersion) -> WorkerOptions:
    return WorkerOptions(
        enable_session_worker=not given.get("no_session", False),
        max_concurrent_session_execution_size=given.get("sessions", 1000),
        max_concurrent_activity_execution_size=given.get("activities", 1000),
        worker_stop_timeout=parse_duration(given["stop_timeout"]) if "stop_timeout" in given else 0,
        disable_workflow_worker=given.get("no_workflow", False),
        sdk=version,
    )


def _schedule(recording: Recording, cluster: Cluster, entry: Mapping[str, Any], number: int) -> None:
    """Do what the timeline says. Raises ValueError for what these recordings do not have."""
    at, who, task_queue = BEFORE + round(entry["t"] * 1e6), entry["who"], recording.case["task_queue"]
    match entry["what"]:
        case "start worker":
            cluster.sim.schedule(at, f"{number:03}", lambda: cluster.start_process(who))
        case "kill -9":
            cluster.sim.schedule(at, f"{number:03}", lambda: cluster.kill(who))
        case "start workflow":
            workflow = f"{recording.case['name']}-{who}"
            steps = next(w["steps"] for w in recording.case["workflows"] if w["id"] == workflow)
            start = msg.StartWorkflow(workflow, "Script", task_queue, {"steps": steps})
            cluster.sim.schedule(recording.begin(workflow), f"{number:03}", lambda: cluster.start_workflow(start))
        case what:
            raise ValueError(f"the timeline's {what!r} is not known here")
