"""Random clusters under random faults: what the protocol keeps, it keeps there too."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sim.properties import ALL, Verdict, VerdictKind
from tests.properties.clusters import COMPLETE, DEFER, SECOND, Program, Stage, act, create, spec
from tests.properties.scenarios_broken import BROKEN
from tests.properties.scenarios_planted import TOKEN, recreate, sleep

KEPT = [name for name in ALL if name not in BROKEN]
MANNERS: list[dict[str, Any]] = [
    {},
    {},
    {"beat_ms": 300, "obey": True, "hb": "2s"},
    {"fail": "retryable", "attempts": 2},
    {"fail": "non_retryable"},
]


def program(r: random.Random) -> Program:
    """One session, or several after each other."""
    heartbeat = r.choice(["", "", "5s", "2s", "60s"])
    more = {"heartbeat": heartbeat} if heartbeat else {}
    steps = [create(r.choice(["60s", "10s"]), r.choice(["600s", "600s", "20s"]), **more)]
    steps += [DEFER] * (r.random() < 0.8)
    for _ in range(r.randint(0, 4)):
        steps.append(act(r.choice([0, 50, 3_000, 20_000]), ignore=r.random() < 0.5, **r.choice(MANNERS)))
        steps += [sleep(r.choice([1, 5, 20]))] * (r.random() < 0.3)
    if r.random() < 0.3:
        steps += [TOKEN, COMPLETE, recreate(), act(1_000, "s2", ignore=True)]
    return [{"op": "until_ok", "times": 3, "ms": 1_000, "steps": steps}] if r.random() < 0.2 else steps


def disturb(stage: Stage, r: random.Random) -> None:
    """One fault, healed after a while."""
    cluster = stage.cluster
    process, at, lasts = r.choice(list(cluster.processes)), r.random() * 120, r.choice([0.5, 3, 8, 15, 25, 60])
    match r.choice(["kill", "lose_machine", "stop", "freeze", "hold", "up", "down", "server", "cancel"]):
        case "kill" | "lose_machine" | "stop" as end:
            stage.at(at, lambda: getattr(cluster, end)(process)).at(at + lasts, lambda: cluster.start_process(process))
        case "freeze":
            stage.at(at, lambda: cluster.freeze(process)).at(at + lasts, lambda: cluster.unfreeze(process))
        case "server":
            stage.at(at, cluster.stop_server).at(at + lasts, cluster.start_server)
        case "cancel":
            stage.cancel(at, "w0")
        case direction:
            up, down = direction != "down", direction != "up"
            stage.at(at, lambda: cluster.hold(process, up, down)).at(at + lasts, lambda: cluster.release(process, up, down))


def play(seed: int, faults: bool) -> dict[str, Verdict]:
    """A run that this seed draws."""
    r = random.Random(seed)
    options = {"max_concurrent_session_execution_size": r.choice([1, 2, 3, 1000]), "worker_stop_timeout": r.choice([0, SECOND])}
    specs = [spec(name, **options) for name in "ABC"[: r.randint(1, 3)]] + [spec("W", enable_session_worker=False)]
    stage = Stage(specs=specs, seed=seed)
    for i in range(r.randint(1, 5)):
        stage.start(program(r), f"w{i}", at=r.choice([0, 0, 1, 60 * r.random()]))
    for _ in range(r.randint(1, 5) if faults else 0):
        disturb(stage, r)
    return stage.run(240)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_kept_is_kept(seed: int) -> None:
    verdicts = play(seed, faults=True)
    assert not {name: verdicts[name].violations for name in KEPT if verdicts[name].kind is VerdictKind.BROKEN}


NEED_A_FAULT = [
    "one_binding",
    "failure_propagation",
    "failure_is_seen",
    "failure_is_failure",
    "no_false_alarm",
    "closed_is_final",
    "creation_returns",
    "creation_uses_free_slots",
    "completion_frees_slot",
    "no_orphan_activity",
    "graceful_stop_waits",
]


@pytest.mark.parametrize("seed", range(100, 130))
def test_without_faults_these_hold_too(seed: int) -> None:
    verdicts = play(seed, faults=False)
    assert not {name: verdicts[name].violations for name in (*KEPT, *NEED_A_FAULT) if verdicts[name].kind is VerdictKind.BROKEN}
