"""Drawn scenarios for one mechanism each: where a repair, or a part of the other protocols, has something to do.

Drawn programs under drawn faults (`conformance.draw`) seldom come to the moment at which a worker is lost before its signal, or a session
is taken up by another process. Here a seed draws lengths and moments around such a one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

Table = dict[str, Any]
Program = list[Table]

COMPLETE: Final[Table] = {"op": "complete", "in": "s"}
DEFER: Final[Table] = {"op": "defer_complete", "in": "s"}
TOKEN: Final[Table] = {"op": "token", "in": "s", "as": "t"}


class Luck(random.Random):
    """Draws in the units of scenarios."""

    def ms(self, least: int, most: int) -> int:
        return self.randint(least, most)

    def time(self, least: float, most: float) -> str:
        """Between so many seconds."""
        return f"{self.randint(round(least * 1000), round(most * 1000))}ms"

    def create(self, **more: Any) -> Table:
        return {"op": "create", "as": "s", "creation": "50s", "execution": "5m", "heartbeat": self.choice(["3s", "5s", "6s"]), **more}

    def act(self, least: int = 500, most: int = 4000, *, within: str = "s", ignore: bool | None = None, **work: Any) -> Table:
        """An activity of so many milliseconds. `ignore`: what becomes of its failure; drawn when not given."""
        ignored = self.random() < 0.5 if ignore is None else ignore
        more = {"ignore": True} if ignored else {}
        return {"op": "act", "in": within, "work": {"ms": self.ms(least, most), **work}, "stc": "5m", "attempts": 1, **more}

    def sleep(self, least: int, most: int) -> Table:
        return {"op": "sleep", "ms": self.ms(least, most)}


def cluster(name: str, program: Program, *faults: Table, workers: str = "AB", workflow: Table | None = None, **worker: Any) -> Table:
    """Sessions on some workers and workflow code on V, so that a fault of a session's worker meets no workflow task."""
    sessions = [{"name": letter, "disable_workflow_worker": True, **worker} for letter in workers]
    return {
        "name": name,
        "until": "6m",
        "grace": "5s",
        "workers": [*sessions, {"name": "V", "enable_session_worker": False}],
        "workflows": [{"id": "w1", "program": program, **(workflow or {})}],
        "faults": list(faults),
    }


def fault(kind: str, at: str | Table, target: str = "@session:w1", **more: Any) -> Table:
    """A fault at a time or a moment."""
    when = {"at": at} if isinstance(at, str) else {"moment": at}
    return {"kind": kind, "target": target, **when, **more}


# -- repairs -----------------------------------------------------------------------------------------------------------


def lost_at_work(r: Luck) -> Table:
    """The worker is killed while an activity runs."""
    program = [r.create(), DEFER, r.act(20_000, 40_000)]
    return cluster("lost_at_work", program, fault("kill", r.time(2, 9)))


def cancelled_in_the_batch_of_the_failure(r: Luck) -> Table:
    """The creation activity times out, then the workflow is cancelled, while nobody runs workflow code."""
    program = [r.create(heartbeat="5s"), r.act(60_000, 90_000, ignore=True), COMPLETE, {"op": "disconnected", "as": "d"}]
    program += [{**r.sleep(5_000, 15_000), "in": "d"}]
    killed = r.ms(3_000, 5_000)
    away = fault("kill", f"{killed + 500}ms", "V", **{"for": "13s"})
    cancelled = fault("cancel", f"{killed + 10_000 + r.ms(0, 3_000)}ms", "w1")
    return cluster("cancelled_in_the_batch", program, fault("kill", f"{killed}ms"), away, cancelled)


def lost_before_completion(r: Luck) -> Table:
    """The worker is killed shortly before the session is completed."""
    at = r.ms(5_000, 12_000)
    program = [r.create(heartbeat="6s"), {"op": "sleep", "ms": at}, COMPLETE, *r.choice([[], [r.sleep(1000, 3000)]])]
    return cluster("lost_before_completion", program, fault("kill", f"{at - r.ms(200, 2_500)}ms"))


def any_session(r: Luck) -> Table:
    """A session that nothing befalls."""
    return cluster("any_session", [r.create(), DEFER, r.act(), *r.choice([[], [r.act()]])])


def recreated_on_a_dead_worker(r: Luck) -> Table:
    """RecreateSession for a worker that was killed."""
    again = {**r.create(creation="40s"), "op": "recreate", "as": "s2", "signal": "t", "ignore": True}
    program = [r.create(), TOKEN, r.sleep(10_000, 14_000), again, *r.choice([[], [r.sleep(500, 900)]])]
    return cluster("recreated_on_a_dead_worker", program, fault("kill", r.time(2, 4)))


def lost_before_the_signal(r: Luck) -> Table:
    """The worker, or its machine, is lost in the moment in which it is given a creation; the other one idles."""
    at = {"name": "creation activity started", "after": f"{r.ms(0, 3)}ms"}
    kind = r.choice(["kill", "kill", "lose_machine"])
    return cluster("lost_before_the_signal", [r.create(), DEFER, r.act()], fault(kind, at, "@there"))


def signal_answer_lost(r: Luck) -> Table:
    """The signal arrives, its answer does not."""
    lost = [fault("lose_response", "0s", name, method="SignalWorkflowExecution") for name in "AB"]
    return cluster("signal_answer_lost", [r.create(), DEFER, r.act(15_000, 30_000), r.act()], *lost)


def completed_while_it_works(r: Luck) -> Table:
    """A session is completed while its activity runs and looks at nothing; the next one wants the only slot."""
    left = {"op": "start", "in": "s", "fut": "f", "work": {"ms": r.ms(8_000, 20_000)}, "stc": "5m", "attempts": 1}
    program = [r.create(), left, r.sleep(1_000, 3_000), COMPLETE, r.create(**{"as": "n"}), r.act(within="n"), {"op": "complete", "in": "n"}]
    return cluster("completed_while_it_works", program, workers="A", max_concurrent_session_execution_size=1)


def cut_off_for_a_while(r: Luck) -> Table:
    """The network is held for longer than a heartbeat call, and for less than the heartbeat timeout."""
    program = [r.create(heartbeat="20s"), DEFER, r.act(40_000, 60_000), r.act()]
    return cluster("cut_off_for_a_while", program, fault("partition", r.time(6, 6.6), **{"for": r.time(11.5, 12.2)}))


def stopped_with_time_to_spare(r: Luck) -> Table:
    """A graceful stop with half a minute; the session's activity needs some seconds more."""
    program = [r.create(), DEFER, r.act(12_000, 20_000, obey=True)]
    return cluster("stopped_with_time_to_spare", program, fault("stop", r.time(3, 9)), worker_stop_timeout="30s")


def recreated_with_one_activity_slot(r: Luck) -> Table:
    """The recreated session's creation activity takes the only slot that its activities could have."""
    again = {**r.create(), "op": "recreate", "as": "s2", "signal": "t"}
    program = [r.create(), TOKEN, r.act(ignore=True), COMPLETE, again, {**r.act(within="s2", ignore=True), "sts": r.time(5, 20)}]
    return cluster("recreated_with_one_activity_slot", program, workers="A", max_concurrent_activity_execution_size=1)


Draw = Callable[[Luck], Table]

OF_REPAIRS: Final[Mapping[str, Draw]] = {
    "failure_not_canceled": lost_at_work,
    "closed_stays_closed": cancelled_in_the_batch_of_the_failure,
    "watched_to_the_end": lost_before_completion,
    "creation_timer": any_session,
    "recreate_within_heartbeat": recreated_on_a_dead_worker,
    "creation_again": lost_before_the_signal,
    "signal_until_known": signal_answer_lost,
    "slot_until_idle": completed_while_it_works,
    "heartbeats_go_on": cut_off_for_a_while,
    "stop_waits_for_sessions": stopped_with_time_to_spare,
    "creation_outside_slots": recreated_with_one_activity_slot,
}
"""Repair -> where it has something to do."""


# -- host sessions, typed resources ------------------------------------------------------------------------------------


def _host(name: str, program: Program, *faults: Table, workers: str = "AB", **worker: Any) -> Table:
    """Processes of one host; its sessions outlive restarts."""
    tables = cluster(name, program, *faults, workers=workers, **{"resource_id": "h", **worker})
    return {**tables, "protocol": "host"}


def _surviving(r: Luck, **more: Any) -> Table:
    return r.create(survive_restart=True, **more)


def restarted(r: Luck) -> Table:
    """The host's only process is killed, or stopped, and starts again; activities may run twice."""
    program = [_surviving(r), DEFER, {**r.act(10_000, 20_000, ignore=True), "attempts": 3}, r.act()]
    kind = r.choice(["kill", "stop"])
    return _host("restarted", program, fault(kind, r.time(2, 8), **{"for": r.time(1, 12)}), workers="A", worker_stop_timeout="2s")


def restarted_under_an_activity_that_may_run_once(r: Luck) -> Table:
    """The host's only process is killed under an activity that may run once, and starts again."""
    program = [_surviving(r), DEFER, r.act(20_000, 30_000, ignore=True), r.act()]
    return _host("ran_once", program, fault("kill", r.time(2, 8), **{"for": r.time(1, 5)}), workers="A")


def taken_over(r: Luck) -> Table:
    """One of two processes on a host stands still; the other takes over, and the first goes on."""
    program = [_surviving(r), DEFER, {**r.act(30_000, 40_000, ignore=True), "attempts": 3}, r.act()]
    return _host("taken_over", program, fault("pause", r.time(2, 6), **{"for": r.time(14, 20)}))


def signal_lost(r: Luck) -> Table:
    """The signal, or its answer, is lost: the attempt ends for good, the next one has the next epoch."""
    kind = r.choice(["lose_request", "lose_response"])
    program = [_surviving(r, heartbeat="20s"), DEFER, {**r.act(15_000, 25_000, ignore=True), "attempts": 3}]
    lost = [fault(kind, "0s", name, method="SignalWorkflowExecution") for name in "AB"]
    return _host("signal_lost", program, *lost)


def grace_over(r: Luck) -> Table:
    """Nobody comes back."""
    program = [_surviving(r, grace=r.time(8, 15)), DEFER, {**r.act(20_000, 40_000, ignore=True), "attempts": 3}, r.act(ignore=True)]
    return _host("grace_over", program, fault("kill", r.time(2, 8)), workers="A")


def recreated_on_its_host(r: Luck) -> Table:
    """RecreateSession after a restart: whatever process is there serves it."""
    again = {**_surviving(r), "op": "recreate", "as": "s2", "signal": "t"}
    program = [_surviving(r), TOKEN, r.act(ignore=True), COMPLETE, r.sleep(9_000, 12_000), again, r.act(within="s2", ignore=True)]
    return _host("recreated_on_its_host", program, fault("kill", r.time(5, 7), "A", **{"for": "1s"}), workers="A")


def _pool(name: str, *programs: Program, late: str = "1s", faults: tuple[Table, ...] = (), **worker: Any) -> Table:
    """A workflow for each program, one soon after the other, and as many machines as there are names."""
    tables = _host(name, programs[0], *faults, **worker)
    rest = [{"id": f"w{n}", "program": program, "arrival": {"at": late}} for n, program in enumerate(programs[1:], 2)]
    return {**tables, "workflows": [*tables["workflows"], *rest]}


def _using(r: Luck, least: int, most: int, **more: Any) -> Program:
    return [r.create(resources={"gpu": 1}, **more), DEFER, r.act(least, most, ignore=True)]


def waited_at_the_door(r: Luck) -> Table:
    """The only GPU is taken for longer than the second session is patient."""
    patient = {"patience": r.time(1, 4)}
    return _pool("at_the_door", _using(r, 12_000, 20_000), _using(r, 500, 4_000, **patient), workers="A", session_resources={"gpu": 1})


def turned_away(r: Luck) -> Table:
    """Two polls bring two sessions at once, and one fits: those of a GPU, and of a GPU and a disk."""
    both = [r.create(resources={"gpu": 1, "disk": 1}, patience="20s"), DEFER, r.act(1_000, 6_000, ignore=True)]
    one = _using(r, 1_000, 6_000, patience="20s")
    resources: Table = {"session_resources": {"gpu": 1, "disk": 1}, "session_shapes": [{"gpu": 1}, {"gpu": 1, "disk": 1}]}
    tables = _pool("turned_away", one, both, late="2s", workers="A", **resources)
    tables["workflows"][0]["arrival"] = {"at": "2s"}
    return tables


def no_room_in_time(r: Luck) -> Table:
    """CreationTimeout ends at the door."""
    short = {"patience": r.time(1, 3), "creation": r.time(6, 9), "ignore": True}
    waiting = [r.create(resources={"gpu": 1}, **short), r.sleep(500, 900)]
    return _pool("no_room_in_time", _using(r, 20_000, 30_000), waiting, workers="A", session_resources={"gpu": 1})


def lost_at_the_door(r: Luck) -> Table:
    """The machine at whose door a session waits is killed; another one has room."""
    patient = {"patience": r.time(1, 2)}
    killed = fault("kill", r.time(6, 8), "@session:w1")
    return _pool("lost_at_the_door", _using(r, 30_000, 40_000), _using(r, 30_000, 40_000), _using(r, 500, 4_000, **patient),
                 faults=(killed,), session_resources={"gpu": 1})  # fmt: skip


WAITING: Final = r"/waiting__internal_session_creation"
OF_HOST: Final[Mapping[str, tuple[str, Draw, tuple[str, ...]]]] = {
    "taken up after a restart": ("host sessions", restarted, (r'"Epoch":[2-9]',)),
    "taken over by another process": ("host sessions", taken_over, (r'"Epoch":[2-9]', r'"HostName":"host-B"')),
    "an activity that may run once": ("host sessions", restarted_under_an_activity_that_may_run_once, ("SessionWorkerRestarted",)),
    "the signal, or its answer, is lost": ("host sessions", signal_lost, ("SessionSignalLost",)),
    "nobody is back within the grace": ("host sessions", grace_over, ("TIMEOUT_TYPE_HEARTBEAT", "TIMEOUT_TYPE_SCHEDULE_TO_START")),
    "recreated on its host": ("host sessions", recreated_on_its_host, (r'"h/tasks__internal_session_host"',)),
    "waits at the door": ("typed resources", waited_at_the_door, (WAITING,)),
    "is turned away": ("typed resources", turned_away, ("SessionResourcesBusy",)),
    "CreationTimeout ends at the door": ("typed resources", no_room_in_time, ("SessionCreationTimeout",)),
    "the worker is lost at whose door it waits": ("typed resources", lost_at_the_door, (WAITING, "TIMEOUT_TYPE_HEARTBEAT")),
}
"""Mechanism -> the protocol, where it has something to do, and what all stands in a history in which it did."""


def drawn(draw: Draw, seed: int) -> Table:
    """The tables of a seed, the same on every machine."""
    tables = draw(Luck(f"{draw.__name__} {seed}"))
    return {**tables, "name": f"{tables['name']}-{seed}"}
