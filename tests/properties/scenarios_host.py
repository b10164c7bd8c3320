"""Host sessions: for each promise of theirs a scenario in which a planted bug breaks it, and in which it is kept without.

Each function takes the bugs to plant and gives the verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.properties import promises
from sim.protocol import messages as msg
from sim.protocol.mutants import Mutant, Mutants
from sim.simulator.places import Fate, Rule
from sim.workflow.variants import Variant
from tests.properties.clusters import DEFER, Program, Stage, act, create, spec
from tests.properties.scenarios_planted import Verdicts, sleep


def host_stage(workers: str = "A", bugs: Mutants = (), **options: Any) -> Stage:
    """Processes that are all of the host `h`, and speak host sessions; W, which runs workflows, too, is elsewhere and holds no sessions."""
    options = {"mutants": bugs, "variant": Variant.HOST, **options}
    specs = [spec(name, resource_id="h", disable_workflow_worker=True, **options) for name in workers]
    specs.append(spec("W", enable_session_worker=False, **options))
    return Stage(specs=specs, names=list(promises(Variant.HOST)))


def surviving(*steps: dict[str, Any], **options: Any) -> Program:
    """A session that outlives its process, with these steps in it."""
    return [create(survive_restart=True, **options), DEFER, *steps]


def restart_holder(stage: Stage, at: float, back: float) -> Stage:
    """Kill whoever holds the session, and start it again."""
    killed: list[str] = []
    stage.at(at, lambda: (killed.append(stage.holder()), stage.cluster.kill(killed[0])))
    return stage.at(back, lambda: stage.cluster.start_process(killed[0]))


def restarted_under_an_activity(bugs: Mutants) -> Verdicts:
    """The process is killed while an activity runs, and is back two seconds later."""
    return restart_holder(host_stage(bugs=bugs).start(surviving(act(10_000))), 3, 5).run(120)


def frozen_until_another_has_written(bugs: Mutants) -> Verdicts:
    """A process stands still while its activity runs; another of the host takes the session up, and writes. Then the first goes on."""
    stage = host_stage("AB", bugs).start(surviving(act(5_000), sleep(120)))
    frozen: list[str] = []
    stage.at(3, lambda: (frozen.append(stage.holder()), stage.cluster.freeze(frozen[0])))
    return stage.at(100, lambda: stage.cluster.unfreeze(frozen[0])).run(180)


def taken_up_by_its_own_process(bugs: Mutants) -> Verdicts:
    """A clock that runs a tenth too slow, so a lease does, too; heartbeats are lost: the process is given what it still holds."""
    stage = host_stage(bugs=bugs)
    stage.cluster.set_clock("A", -100_000, 0)
    stage.start(surviving(act(60_000)))
    lost = Rule(lambda message: isinstance(message, msg.RecordActivityTaskHeartbeat), Fate.LOSE)
    stage.at(8, lambda: stage.cluster.add_rule("A", True, lost, "heartbeats are lost"))
    return stage.at(27, lambda: stage.cluster.remove_rule("A", True, lost)).run(240)


HOST_PLANTED: dict[str, tuple[Mutant, Callable[[Mutants], Verdicts]]] = {
    "no_two_incarnations": (Mutant.EPOCH_NOT_RENEWED, restarted_under_an_activity),
    "fenced_writes": (Mutant.FENCE_NOT_CHECKED, frozen_until_another_has_written),
    "reattach_in_time": (Mutant.HOST_QUEUE_NOT_POLLED, restarted_under_an_activity),
}
"""Property -> a bug, and a scenario in which it shows."""

HOST_MORE: list[tuple[str, Mutant, Callable[[Mutants], Verdicts]]] = [
    ("fenced_writes", Mutant.EPOCH_COMPARED_WRONGLY, frozen_until_another_has_written),
    ("token_conservation", Mutant.TOKEN_KEPT_ON_REATTACH, taken_up_by_its_own_process),
]
"""Further ones; promises of the original are broken by bugs of host sessions, too."""
