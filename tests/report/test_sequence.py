"""Sequence diagrams: what comes from whom, in order, and how it is drawn."""

from __future__ import annotations

from sim.model.environment import LOST_RESPONSE
from sim.model.inputs import Call, Deliver, Fault, Fired, Move, Reply, Withdrawn
from sim.model.instant import TICK, Micro
from sim.model.world import Enabled, OpenCall, Parcel, State
from sim.report.plots import sequence as diagram
from sim.report.plots import style
from sim.report.sequence import Event, Kind, participants, sequence


class Leg:
    """As the checker's: a choice, its way, and the state after it."""

    def __init__(self, *way: Micro, calls: tuple[OpenCall, ...] = ()) -> None:
        self.choice = Enabled("a", Move("go"))
        self.outcome = way
        self.state = State((), (), (), calls)


FIRST = State((), (), (), (OpenCall("a", "poll", "server/queue"),))
PATH = [
    Leg(
        Micro("a", Move(("go", "now")), None),
        Micro("server/run", Deliver(("begin", 1), "a", Call("a", ("do", 1))), None),
        Micro("watcher/x", Deliver("seen", "a"), None),
        Micro("environment", Fault(LOST_RESPONSE.kind, Parcel("server/run", "a", Reply(("do", 1), "done"))), None),
        calls=(OpenCall("a", "poll", "server/queue"), OpenCall("b", "old", "server/run")),
    ),
    Leg(Micro("a", Fired(("budget", "server/run/1", 3)), None), Micro("server/run", Withdrawn(Call("a", ("do", 1))), None)),
    Leg(Micro("a", Reply("poll", "task"), None), Micro("b", Reply("old", "late"), None), Micro("b", Fault("crash"), None)),
]


def test_every_line_says_from_whom_to_whom() -> None:
    assert sequence(FIRST, PATH) == [  # type: ignore[arg-type]
        Event(1, Kind.MOVE, None, "a", "go now"),
        Event(1, Kind.MESSAGE, "a", "server/run", "begin 1"),
        Event(1, Kind.LOST, "server/run", "a", "done"),
        Event(2, Kind.TIMER, None, "a", "budget 3"),
        Event(2, Kind.WITHDRAWN, "a", "server/run", "given up"),
        Event(3, Kind.ANSWER, "server/queue", "a", "task"),
        Event(3, Kind.ANSWER, "server/run", "b", "late"),
        Event(3, Kind.FAULT, None, "b", "crash"),
    ]


def test_what_a_node_does_by_itself_is_said_in_its_own_words() -> None:
    leg = Leg(Micro("a", Fired("fuse"), None), Micro("a", Fired("other"), None))
    leg.choice, leg.clause = Enabled("a", Fired("fuse")), "gives up " + "all that it has ever held " * 5
    first, second = sequence(FIRST, [leg])  # type: ignore[list-item]
    assert first.label == "gives up all that it has ever held all that it has ever held all that it has ever held ..."
    assert second.label == "other"


def test_time_that_passes_in_several_ticks_is_one_line() -> None:
    tick = Leg()
    tick.choice = TICK
    path = [PATH[1], tick, tick, PATH[2]]
    events = sequence(FIRST, path, "5s")  # type: ignore[arg-type]
    assert Event(3, Kind.TIME, None, "", "time passes: 2 x 5s") in events
    assert [event.step for event in events] == [1, 1, 3, 4, 4, 4]
    assert "" not in participants(events)
    assert "time passes: 2 x 5s" in style.svg(diagram.draw(events))


def test_workers_stand_before_the_server() -> None:
    assert participants(sequence(FIRST, PATH)) == ["a", "b", "server/run", "server/queue"]  # type: ignore[arg-type]


def test_a_diagram_has_every_label_and_is_the_same_each_time() -> None:
    events = sequence(FIRST, PATH)  # type: ignore[arg-type]
    drawn = style.svg(diagram.draw(events, "a title"))
    assert drawn == style.svg(diagram.draw(events, "a title"))
    assert all(f">{label}</text>" in drawn for label in ("a title", "begin 1", "done, lost", "given up", "run", "crash"))
