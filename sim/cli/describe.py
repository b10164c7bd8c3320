"""`session-sim describe`: one scenario, property, fault or moment, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli import list as lists
from sim.cli import places
from sim.cli.exits import guarded
from sim.cli.options import AsJson, Settings
from sim.cli.output import print_json, to_user
from sim.model.durations import format_duration

if TYPE_CHECKING:
    from sim.scenario.load import Scenario
    from sim.scenario.schema import FaultSection, WorkerSection, WorkflowSection


@guarded
def command(
    name: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario (file, name, or -), or the name of a property, fault or moment.")
    ],
    overrides: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Say in words what a scenario has in it: workers, workload, faults, expectations.

    Example: session-sim describe file_processing_crash
    """
    row = _other(name)
    if row is not None:
        print_json(row) if as_json else _show_row(row)
        return
    from sim.cli import load

    loaded = load.scenario(name, overrides or [])
    if as_json:
        content = {key: value for key, value in loaded.to_dict().items() if key != "modules"}
        print_json({"name": loaded.name, "words": words(loaded), "digest": loaded.digest, "scenario": content})
        return
    to_user().print("\n".join(words(loaded)), markup=False, soft_wrap=True)


def _other(name: str) -> dict[str, Any] | None:
    """What a name that is no scenario's stands for: a kind of list, or one thing in one. "fault:partition" says which is meant."""
    wanted, _, rest = name.rpartition(":")
    if not wanted and places.is_scenario(name):
        return None
    if name in [what.value for what in lists.What]:
        return {"name": name, "what": lists.INTRODUCTIONS[lists.What(name)], "all": lists.ROWS[lists.What(name)]()}
    for kind, rows in (("property", lists.properties()), ("fault", lists.faults()), ("moment", lists.moments())):
        for row in rows:
            if row["name"] == rest and wanted in ("", kind):
                return {"kind": kind, **row}
    return None


def _show_row(row: dict[str, Any]) -> None:
    console = to_user()
    if "all" in row:
        lists.show(console, lists.What(row["name"]), row["all"])
        return
    console.print(f"{row['name']} ({row['kind']})", style="bold", markup=False)
    console.print(row["what"], markup=False)
    if row["kind"] == "property":
        console.print(f"It says so in: {row['source']}", markup=False)
        console.print("A Temporal history alone decides it." if row["history_decides"] else "A history alone cannot decide it.")
    elif row["kind"] == "fault":
        target = f' with target = "NAME" of a {row["target"]}' if row["target"] else ""
        needs = f"; it needs {', '.join(row['needs'])}" if row["needs"] else ""
        takes = f"; it may have {', '.join(row['takes'])}" if row["takes"] else ""
        console.print(f'In a scenario: a [[faults]] table with kind = "{row["name"]}"{target}{needs}{takes}.', markup=False)
        console.print("When: at = a time, moment = a moment of the protocol, or every = a law of the time in between.", markup=False)
    else:
        console.print(
            f'In a scenario: moment = "{row["name"]}" in a [[faults]] table; `where` may ask for {", ".join(row["where"])}.', markup=False
        )


def words(loaded: Scenario) -> list[str]:
    """A scenario in sentences."""
    model = loaded.model
    lines = [loaded.name + (f": {model.title}" if model.title else "")]
    if model.description:
        lines.append(model.description)
    queue = model.cluster.task_queue
    lines += ["", f"Server: {_many(model.cluster.partitions, 'partition')} a task queue; workers' Go SDK {model.cluster.sdk_version}."]
    lines += [_worker(worker, queue) for worker in model.workers]
    lines += [_workflow(section, queue) for section in model.workflows]
    for name, activity in model.activities.items():
        fails = f", fails ({activity.fails}) with probability {activity.failure_probability:g}" if activity.failure_probability else ""
        beats = f", heartbeats every {format_duration(activity.heartbeat_every)}" if activity.heartbeat_every else ""
        lines.append(f"Activity {name} takes {activity.duration.describe()}{beats}{fails}.")
    lines += [_fault(fault) for fault in model.faults] or ["No faults."]
    lines.append(
        f"The run ends {format_duration(model.grace)} after the last workflow closed, after {format_duration(model.until)} at the latest."
    )
    if model.expect:
        expected = Counter(model.expect.values())
        for verdict in expected:
            lines.append(f"Expected to be {verdict}: {', '.join(name for name, v in model.expect.items() if v == verdict)}.")
    return lines


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _worker(worker: WorkerSection, queue: str) -> str:
    names = worker.name if worker.count == 1 else f"{worker.name}1 to {worker.name}{worker.count}"
    slots = worker.max_concurrent_session_execution_size
    session = f"{_many(slots, 'session slot')} each" if worker.enable_session_worker else "no session worker"
    where = f" on {worker.host}" if worker.host else ""
    stop = f", WorkerStopTimeout {format_duration(worker.worker_stop_timeout)}" if worker.worker_stop_timeout else ""
    return f"{'Worker' if worker.count == 1 else 'Workers'} {names}{where}, queue {worker.task_queue or queue}: {session}{stop}."


def _workflow(section: WorkflowSection, queue: str) -> str:
    what = section.workflow or f"a program of {_many(len(section.program or []), 'step')}"
    arrival = section.arrival
    times = ""
    if arrival.closed is not None:
        total = f"{arrival.closed.total} in all" if arrival.closed.total else "without end"
        times = f", always {arrival.closed.population} at a time, {total}"
    elif arrival.poisson is not None:
        times = f", one every {format_duration(arrival.poisson)} on average (Poisson)"
    elif arrival.every is not None:
        times = f", one after another in times of {arrival.every.describe()}"
    elif arrival.burst is not None:
        times = f", {arrival.burst.size} at once every {format_duration(arrival.burst.every)}"
    elif arrival.at:
        times = f", at {', '.join(format_duration(at) for at in arrival.at)}"
    count = "" if section.count in (None, 1) else f" ({section.count} of them)"
    return f"Workflow {section.id}{count}: {what}, on queue {section.task_queue or queue}{times}."


def _fault(fault: FaultSection) -> str:
    from sim.faults import KINDS

    if fault.at is not None:
        when = f"at {format_duration(fault.at)}"
    elif fault.moment is not None:
        after = f", {format_duration(fault.moment.after)} after it" if fault.moment.after else ""
        when = f"at the moment “{fault.moment.name or fault.moment.observation}”{after}"
    else:
        when = f"again and again, in times of {fault.every.describe()}" if fault.every is not None else "never"
    target = f" to {fault.target}" if fault.target else ""
    lasts = f", for {format_duration(fault.lasts)}" if fault.lasts is not None else ""
    return f"Fault {fault.kind}{target} {when}{lasts}: {KINDS[fault.kind].sentence}."
