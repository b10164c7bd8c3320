"""`session-sim check`: every reachable state of a model."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from sim.cli import check_asked, check_clocks, check_liveness, check_world
from sim.cli import check_options as option
from sim.cli.check_clocks import Checked
from sim.cli.check_watch import GIB, Watch
from sim.cli.check_world import How
from sim.cli.exits import Exit, WrongInput, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user
from sim.model.garbage import kept

if TYPE_CHECKING:
    from sim.checker.result import CheckResult
    from sim.checker.traces import Leg
    from sim.cli.check_machines import Painted
    from sim.model.system import System
    from sim.scenario.findings import Finding
    from sim.scenario.load import Scenario

NO_NUMBA = "the checker needs numba: pip install 'session-sim[checker]'; or give --small for the plain search, some hundred times slower"


@guarded
def command(
    context: typer.Context,
    model: option.Model,
    settings: option.Settings = None,
    time: option.TimeMeaning = "",
    unit: option.Unit = "5s",
    messages: option.Messages = "at-once",
    crashes: option.Crashes = 0,
    restarts: option.Restarts = 0,
    stops: option.Stops = 0,
    cancels: option.Cancels = 0,
    lost_requests: option.LostRequests = 0,
    lost_responses: option.LostResponses = 0,
    lost_machines: option.LostMachines = 0,
    pauses: option.Pauses = 0,
    partitions: option.Partitions = 0,
    duplicates: option.Duplicates = 0,
    slow: option.Slow = 0,
    retries: option.Retries = 3,
    properties: option.Properties = None,
    no_symmetry: option.NoSymmetry = False,
    no_reduction: option.NoReduction = False,
    liveness: option.Liveness = False,
    deadlock: option.Deadlock = False,
    exact: option.Exact = False,
    jobs: option.Jobs = 0,
    memory: option.Memory = 0,
    limit: option.Limit = 1 << 32,
    fingerprint_seed: option.FingerprintSeed = 0,
    small: option.Small = False,
    walks: option.Walks = None,
    schedule: option.Schedule = "pctcp",
    depth: option.Depth = 3,
    seed: option.Seed = 1,
    out: option.Out = None,
    graph: option.Graph = None,
    as_json: AsJson = False,
) -> None:
    """Visit every reachable state; say of each promise whether it holds, and show the shortest way to break it.

    Faults of a scenario are budgets. Its timers last as long as they do, to within a --unit (--time windows). Or they fire at
    any moment: with --time untimed those that something would have beaten, an activity's end or a heartbeat, only as often
    as --slow says; with --time free always. In a model messages travel as its network lets them, and timers fire at any moment
    unless --time windows is given.

    Example: session-sim check scenarios/file_processing.toml --stops 1

    Example: session-sim check scenarios/models/two_phase_commit.py --set resource_managers=5

    With --walks it looks at so many ways only, one after the other, and says how likely it was to find what needs few events in order.

    Example: session-sim check scenarios/file_processing.toml --crashes 1 --walks 200
    """
    bounds = {
        "crashes": crashes, "restarts": restarts, "stops": stops, "cancels": cancels,
        "lost_requests": lost_requests, "lost_responses": lost_responses, "lost_machines": lost_machines, "pauses": pauses,
        "partitions": partitions, "duplicates": duplicates, "slow": slow, "retries": retries,
    }  # fmt: skip
    how = How.of(time, unit, messages, walks is not None, no_reduction)
    is_model = check_asked.names_a_model(model)
    check_asked.expect_no_clash(check_asked.given(context), is_model, how.in_windows(is_model))
    system, scenario = check_world.system_of(model, settings or [], how, bounds, properties)
    if deadlock and (scenario is not None or small):
        raise WrongInput("--deadlock: for models, without --small; in a scenario every run ends when its workflows have")
    if graph is not None and not _write_graph(system, graph, limit):
        graph = None
    if walks is not None:
        from sim.cli import check_walks

        leave(check_walks.show(model, system, scenario, check_walks.Asked(walks, seed, schedule, depth), out, as_json))
    if small:
        from sim.cli import check_small

        leave(check_small.show(system, not no_symmetry, min(limit, 1_000_000), as_json))
    search = {
        "exact": exact, "symmetry": not no_symmetry, "sharing": not no_symmetry, "parts": not no_reduction, "subsumption": not no_reduction,
        "jobs": jobs, "memory": _bytes(memory),
        "limit": limit, "seed": fingerprint_seed,
    }  # fmt: skip
    with kept():
        what = Checked(model, tuple(settings or ()))
        code = _search(what, system, scenario, search, Besides(liveness, deadlock), Files(out, graph), as_json)
    leave(code)


def _bytes(memory: float) -> int:
    """Of GiB. Raises WrongInput."""
    if not isfinite(memory):
        raise WrongInput(f"--memory {memory}: expected how many GiB may be used, or 0 for half of the machine's")
    return int(memory * GIB)


def _search(
    what: Checked, system: System, scenario: Scenario | None, options: dict[str, Any], besides: Besides, files: Files, as_json: bool
) -> Exit:
    """Search the whole world, and say what was found."""
    result, interrupted = _checked(system, options)
    if besides.deadlock:
        result = result.without_deadlock()
    # What was found until Ctrl-C is held to a clock too; no other search is begun.
    asked = {**options, "symmetry": options["symmetry"] and not interrupted}
    found = check_clocks.held(what, scenario, system, result, asked, lambda more: _checked(system, more)[0])
    expected = scenario.model.expect if scenario is not None else {}
    ends = check_liveness.judged(scenario, system, options["limit"], result.states) if besides.liveness or scenario is None else {}
    written = _write(system, scenario is not None, result, found, files.out) if files.out is not None else Written({}, {}, {})
    if as_json:
        whole = to_json(result, found, written, files.graph)
        print_json({**whole, "properties": {**whole["properties"], **check_liveness.to_json(ends)}})
    else:
        from sim.cli import check_view

        check_view.show(to_user(), what.argument, result, found, written, expected)
        check_liveness.show(to_user(), ends)
    return Exit.INTERRUPTED if interrupted else check_liveness.exit_code(ends, exit_code(result, found, expected), scenario is None)


class Besides(NamedTuple):
    """What else is asked of a system."""

    liveness: bool
    deadlock: bool


class Files(NamedTuple):
    """Where things go that were asked for; None what was not."""

    out: Path | None
    graph: Path | None


class Written(NamedTuple):
    """Files by property, and by state machine."""

    tapes: Mapping[str, Path]
    diagrams: Mapping[str, Path]
    machines: Mapping[str, Painted]


def _write(system: System, of_sessions: bool, result: CheckResult, found: Mapping[str, Finding], out: Path) -> Written:
    """A tape of each finding that a run confirms, a sequence diagram of each shortest way, and what was seen of state machines."""
    from sim.cli.check_machines import file_name, paint
    from sim.report.plots import sequence as diagram
    from sim.report.plots import style
    from sim.report.sequence import sequence

    tapes, diagrams = {}, {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, judgement in result.properties.items():
            path = found[name].path if name in found else judgement.path
            if path and not judgement.goal:
                diagrams[name] = out / f"{file_name(name)}.svg"
                events = sequence(system.world.initial(), path, result.bounds.get("unit", ""))
                diagrams[name].write_text(style.svg(diagram.draw(events, name, _end(name))), encoding="utf-8")
        for name, finding in found.items():
            if finding.tape is not None:
                tapes[name] = out / f"{file_name(name)}.tape"
                finding.tape.write(tapes[name])
        machines = paint(result, of_sessions, out)
    except OSError as error:
        raise WrongInput(f"{out}: tapes and diagrams cannot be written there ({error.strerror})") from None
    return Written(tapes, diagrams, machines)


def _end(name: str) -> str:
    from sim.checker.result import NO_DEADLOCK

    return "nothing can happen any more" if name == NO_DEADLOCK else f"“{name}” is broken"


def exit_code(result: CheckResult, found: Mapping[str, Finding], expected: Mapping[str, str]) -> Exit:
    """A promise that is broken and was not `expected` to be, or the other way round; or else something left undecided: of a scenario's
    promises, those whose break no run confirms are."""
    became = {name: judgement.verdict.value for name, judgement in result.properties.items() if not judgement.goal}
    undecided = {name for name, finding in found.items() if finding.tape is None} | {n for n, v in became.items() if v == "undecidable"}
    for name, verdict in became.items():
        if name not in undecided and (verdict != expected[name] if name in expected else verdict == "broken"):
            return Exit.NOT_AS_EXPECTED
    return Exit.OK if result.decided and not undecided else Exit.INCOMPLETE


def _checked(system: System, options: dict[str, Any]) -> tuple[CheckResult, bool]:
    """What was found, and whether somebody pressed Ctrl-C meanwhile: then it is what was found until then."""
    try:
        from sim.checker.checking import Options, check
        from sim.checker.intern import ModelError, Overflow
        from sim.checker.traces import NoSuchPath
    except ModuleNotFoundError as error:
        if error.name not in ("numba", "llvmlite"):
            raise
        raise WrongInput(NO_NUMBA) from None
    except ImportError as error:
        # Two packages that do not go together, mostly after one of them was upgraded.
        if not any(name in str(error).lower() for name in ("numba", "llvmlite")):
            raise
        raise WrongInput(f"numba cannot be loaded ({error}); {NO_NUMBA}") from None
    watch = Watch()
    try:
        return check(system, Options(**options), watch), watch.interrupted
    except (ModelError, Overflow, NoSuchPath) as error:
        raise WrongInput(str(error)) from None
    finally:
        watch.stop()


def to_json(result: CheckResult, found: Mapping[str, Finding], written: Written, graph: Path | None = None) -> dict[str, Any]:
    """The object of `check --json`."""
    return {
        "states": result.states,
        "generated": result.generated,
        "depth": result.depth,
        "complete": result.complete,
        "stopped": result.stopped,
        "deadlocks": result.deadlocks,
        "seconds": {"compile": round(result.compile_s, 3), "search": round(result.search_s, 3)},
        "bytes_per_state": round(result.bytes_per_state, 1),
        "handler_calls": result.handler_calls,
        "compiled_bytes": result.compiled_bytes,
        "local_states": result.local_states,
        "bounds": result.bounds,
        "collision_probability": result.collision_probability,
        "properties": {
            name: {
                "verdict": judgement.verdict.value,
                "goal": judgement.goal,
                **_way(judgement.path, found.get(name), written.tapes.get(name)),
                "diagram": str(written.diagrams[name]) if name in written.diagrams else None,
            }
            for name, judgement in result.properties.items()
        },
        **({"machines": {name: painted.to_json() for name, painted in written.machines.items()}} if written.machines else {}),
        "files": {"graph": str(graph)} if graph is not None else {},
    }


def _way(path: tuple[Leg, ...] | None, finding: Finding | None, tape: Path | None) -> dict[str, Any]:
    """The way that decides: of a scenario's finding the one that a run confirms, if one does."""
    if finding is not None:
        path = finding.path
    return {
        "confirmed": finding is not None and finding.tape is not None,
        "length": len(path) if path is not None else None,
        "tape": str(tape) if tape is not None else None,
        "path": [leg.choice.label() for leg in path] if path is not None else None,
        **({"why": finding.why, "clockless": finding.clockless} if finding is not None else {}),
        **({"at_s": [time / 1e6 for time in finding.at]} if finding is not None and finding.at is not None else {}),
    }


def _write_graph(system: System, path: Path, limit: int) -> bool:
    """Whether there is a graph now: of too many states there is none, and they are checked all the same."""
    from sim.cli import state_graph

    try:
        state_graph.write(system, path, min(limit, state_graph.MOST))
        return True
    except state_graph.TooLarge as error:
        to_side().print(f"no graph: {error}", markup=False, soft_wrap=True)
        return False
    except ValueError as error:
        raise WrongInput(str(error)) from None
    except OSError as error:
        raise WrongInput(f"{path}: cannot be written ({error.strerror})") from None
