"""Golden dialogues: a setting, four dashes, and what everyone said.

    What happens and which passage of the protocol says so; up to the first empty line.

    worker A max_concurrent_session_execution_size=1       a process with one worker object; options of WorkerOptions, start=TIME
    workflow w at=2s run_timeout=90s token=A               a workflow, and below it the steps of its program as JSON
      {"op": "create", "as": "s", "creation": "60s", "execution": "600s"}
    at 27s kill A                                          something done to the cluster (`DEEDS`, `FATES`)
    until 90s
    seed 1
    tape                                                   choices that differ from the seed's
      delay|A.1>server|RespondActivityTaskCompleted|1 = 12000
    ----

All times are those since the first workflow could have been started: the cluster has polled for a second by then.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from sim.history.events import Wrote
from sim.history.recorder import Recorder
from sim.model.durations import parse_duration
from sim.model.laws import Constant
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.worker.options import WorkerOptions
from sim.scenario.cluster import Cluster, WorkerSpec
from sim.simulator.places import Delays, Fate, Rule
from sim.simulator.simulation import Simulation
from sim.workflow.script import SCRIPT
from sim.workflow.sdk import SdkVersion
from sim.workflow.seen import Saw, SessionStateChanged
from sim.workflow.variants import Variant
from tests.golden.spelling import long_form, note_form, short_form
from tests.golden.workflows import NAMED

DASHES = "----\n"
BEFORE = 1_000_000
"""How long the cluster has run at time 0 of a dialogue, microseconds."""

ONE_WAY = 1_500
"""The delay of every message that the tape says nothing about, microseconds."""


@dataclass
class Setting:
    """What stands above the dashes."""

    text: str
    workers: list[WorkerSpec] = field(default_factory=list)
    starts: dict[str, int] = field(default_factory=dict)
    workflows: list[tuple[int, msg.StartWorkflow]] = field(default_factory=list)
    deeds: list[tuple[int, list[str]]] = field(default_factory=list)
    tape: dict[str, int] = field(default_factory=dict)
    until: int = 90_000_000
    seed: int = 1


@dataclass
class Played:
    """What was said, and the events of each run in short."""

    lines: list[str]
    short: dict[str, list[str]]
    recorder: Recorder
    sim: Simulation


# -- reading ---------------------------------------------------------------------------------------------------------------


def read(text: str) -> Setting:
    """Read what stands above the dashes. Raises ValueError with the line that is not understood."""
    setting = Setting(text.partition(DASHES)[0])
    _, _, body = setting.text.partition("\n\n")
    block = ""
    for line in body.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("  "):
            _indented(setting, block, line.strip())
            continue
        block, _, rest = line.partition(" ")
        try:
            _VERBS[block](setting, rest.split())
        except (KeyError, ValueError) as error:
            raise ValueError(f"golden dialogue: cannot read {line!r}: {error}") from error
    return setting


def _indented(setting: Setting, block: str, line: str) -> None:
    if block == "workflow":
        program = setting.workflows[-1][1].input
        assert isinstance(program, dict)
        program["steps"].append(json.loads(line))
    elif block == "tape":
        label, _, value = line.rpartition(" = ")
        setting.tape[label] = int(value)
    else:
        raise ValueError(f"golden dialogue: nothing can be indented below {block!r}: {line!r}")


def _pairs(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words)


def _worker(setting: Setting, words: list[str]) -> None:
    name, *rest = words
    options = _pairs(rest)
    # A little apart, so that the polls of the worker that is named first are older.
    start = options.pop("start", "")
    setting.starts[name] = BEFORE + parse_duration(start) if start else 10_000 * len(setting.workers)
    kinds = {f.name: f.type for f in fields(WorkerOptions)}
    values: dict[str, Any] = {}
    for key, value in options.items():
        if key == "sdk":
            values[key] = SdkVersion.parse(value)
        elif key == "variant":
            values[key] = Variant(value)
        elif kinds[key] == "str":
            values[key] = value
        elif kinds[key] == "bool":
            values[key] = value == "true"
        else:
            values[key] = parse_duration(value) if value[-1].isalpha() else int(value)
    setting.workers.append(WorkerSpec(name, f"host-{name.lower()}", "q", WorkerOptions(**values)))


def _workflow(setting: Setting, words: list[str]) -> None:
    name, *rest = words
    options = _pairs(rest)
    at = parse_duration(options.pop("at", "0s"))
    kind = options.pop("type", "Script")
    program: dict[str, Any] = {"steps": []}
    if held := options.pop("token", ""):
        # The recreate token of a worker's first life, under the worker's name.
        token = json.dumps({"Taskqueue": f"{held}.1@host-{held.lower()}"}, separators=(",", ":"))
        program["tokens"] = {held: base64.b64encode(token.encode()).decode()}
    timeouts = {key: parse_duration(value) for key, value in options.items()}
    setting.workflows.append((BEFORE + at, msg.StartWorkflow(name, kind, "q", program, **timeouts)))


def _at(setting: Setting, words: list[str]) -> None:
    setting.deeds.append((BEFORE + parse_duration(words[0]), words[1:]))


def _until(setting: Setting, words: list[str]) -> None:
    setting.until = parse_duration(words[0])


def _seed(setting: Setting, words: list[str]) -> None:
    setting.seed = int(words[0])


_VERBS: dict[str, Callable[[Setting, list[str]], None]] = {
    "worker": _worker,
    "workflow": _workflow,
    "at": _at,
    "until": _until,
    "seed": _seed,
    "tape": lambda setting, words: None,
}

# -- doing -----------------------------------------------------------------------------------------------------------------


def _held(words: list[str]) -> dict[str, bool]:
    return {"up": "down" not in words, "down": "up" not in words}


DEEDS: dict[str, Callable[[Cluster, list[str]], None]] = {
    "start": lambda c, w: c.start_process(w[0]),
    "kill": lambda c, w: c.kill(w[0]),
    "lose_machine": lambda c, w: c.lose_machine(w[0]),
    "freeze": lambda c, w: c.freeze(w[0]),
    "unfreeze": lambda c, w: c.unfreeze(w[0]),
    "stop": lambda c, w: c.stop(w[0], exits="stay" not in w),
    "hold": lambda c, w: c.hold(w[0], **_held(w[1:])),
    "release": lambda c, w: c.release(w[0], **_held(w[1:])),
    "stop_server": lambda c, w: c.stop_server(),
    "start_server": lambda c, w: c.start_server(),
    "cancel": lambda c, w: c.request(msg.RequestCancelWorkflow(w[0]), w[0]),
    "terminate": lambda c, w: c.request(msg.TerminateWorkflow(w[0], "as asked"), w[0]),
    "signal": lambda c, w: c.request(msg.SignalWorkflow(w[0], w[1], None), w[0]),
    "pause": lambda c, w: c.request(msg.PauseActivity(w[0], w[1]), w[0]),
    "unpause": lambda c, w: c.request(msg.PauseActivity(w[0], w[1], False), w[0]),
}
FATES = {"lose": Fate.LOSE, "duplicate": Fate.DUPLICATE, "delay": Fate.DELAY}
"""`at 0s lose A>server SignalWorkflowExecution skip=1 count=2`: what becomes of single messages."""


def _do(cluster: Cluster, words: list[str]) -> None:
    verb, *rest = words
    if verb in DEEDS:
        DEEDS[verb](cluster, rest)
        return
    direction, kind, *more = rest
    options = _pairs(more)
    source, _, target = direction.partition(">")
    link = cluster.up(source) if target == "server" else cluster.down(target)
    count, skip = int(options.get("count", 1)), int(options.get("skip", 0))
    value = parse_duration(options["by"]) if "by" in options else None
    link.rules.append(Rule(lambda message: type(message).__name__ == kind, FATES[verb], count, skip, value))


def play(setting: Setting) -> Played:
    """Carry out a setting and write down what everyone says."""
    sim = Simulation(setting.seed, Delays(Constant(ONE_WAY)), setting.tape, recording=True)
    cluster = Cluster(sim, setting.workers, {"Script": SCRIPT, **NAMED}, {})
    played = Played([], {}, Recorder(setting.seed, plain=True), sim)
    _listen(played)
    for name, start in setting.starts.items():
        sim.schedule(start, f"start {name}", lambda name=name: cluster.start_process(name))  # type: ignore[misc]
    for at, start_workflow in setting.workflows:
        sim.schedule(at, f"start {start_workflow.workflow_id}", lambda w=start_workflow: cluster.start_workflow(w))  # type: ignore[misc]
    for at, words in setting.deeds:
        sim.schedule(at, "do " + " ".join(words), lambda words=words: _do(cluster, words))  # type: ignore[misc]
    sim.run(until=BEFORE + setting.until)
    if unused := sim.choices.unused():
        raise ValueError(f"the tape has labels that no choice met: {', '.join(unused)}")
    return played


# -- listening -------------------------------------------------------------------------------------------------------------


def _listen(played: Played) -> None:
    def say(time: int, who: str, text: str) -> None:
        played.lines.append(f"{'@' + format((time - BEFORE) / 1e6, '.1f') + 's':>8}  {who:<5} {text}".rstrip())

    def wrote(time: int, node: str, observation: Any) -> None:
        played.recorder(time, node, observation)
        run = played.recorder[observation.run]
        name = observation.run.removeprefix("server/run/")
        for recorded in run.events[-len(observation.events) :]:
            played.short.setdefault(name, []).append(short_form(run, recorded))
            say(recorded.time, name, f"{recorded.event_id:3} {long_form(run, recorded)}")

    def note(time: int, node: str, observation: Any) -> None:
        if not (isinstance(observation, obs.FaultHappened) and observation.kind == "start" and time < BEFORE):
            say(time, "", f"    {note_form(observation)}")

    def saw(time: int, node: str, seen: Any) -> None:
        what = " ".join(word for word in (seen.op, seen.name) if word)
        outcome = seen.error or (seen.value if seen.value is not None else "ok")
        state = f" [{seen.state}]" if seen.state else ""
        say(time, "", f"    {seen.run.removeprefix('server/run/')} sees {what}: {outcome}{state}")

    played.sim.listen(Wrote, wrote)
    for kind in (obs.TokenTaken, obs.TokenReturned, obs.AttemptRetried, obs.FaultHappened, obs.WorkerStopped, SessionStateChanged):
        played.sim.listen(kind, note)
    played.sim.listen(Saw, saw)
