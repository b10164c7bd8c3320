"""What can be done to places and links: the operations behind every fault that is not a protocol's own input."""

from __future__ import annotations

from collections.abc import Set

from sim.model.inputs import Call, Name, Unreachable, Withdrawn
from sim.simulator.places import Condition
from sim.simulator.seats import Seat
from sim.simulator.simulation import Simulation


def _seats_of(sim: Simulation, place: Name) -> list[Seat]:
    return [seat for seat in sim.seats.values() if seat.place.name == place]


def kill(sim: Simulation, place: Name) -> None:
    """The process dies; the kernel closes its connections, so the other ends get to know (after the link's delay)."""
    if sim.place(place).condition is not Condition.LOST:
        _die(sim, place, told=True)


def lose_machine(sim: Simulation, place: Name) -> None:
    """The machine vanishes: nobody is told, what is sent to it is never answered."""
    _die(sim, place, told=False)


def _die(sim: Simulation, place: Name, told: bool) -> None:
    sim.disturb(place)
    seats = _seats_of(sim, place)
    for seat in seats:
        for tag, (serial, callee, _) in seat.calls.items():
            if told:
                sim.tell_withdrawn(seat, tag, serial, callee)
        seat.calls.clear()
    for seat in seats:
        sim.remove(seat.name)
        sim.departed[seat.name] = seat
    sim.forget(sim.place(place))
    sim.place(place).condition = Condition.DEAD if told else Condition.LOST
    if told:
        _break_calls(sim, place, {seat.name for seat in seats})
    for link in list(sim.links.values()):
        if told and link.target == place:
            # What it has sent is on its way; what was sent to it goes down with its connection.
            sim.renew(link)
        elif not told and place in (link.source, link.target):
            link.broken = True


def _break_calls(sim: Simulation, place: Name, callees: Set[Name]) -> None:
    """Everybody outside who waits for one of these nodes gets to know that its connection broke."""
    for seat in list(sim.seats.values()):
        if seat.name not in callees:
            for tag, (serial, callee, _) in list(seat.calls.items()):
                if callee in callees:
                    sim.answer(seat.name, tag, serial, place, Unreachable())


def revive(sim: Simulation, place: Name) -> None:
    """A dead place can be used again, empty, with new connections. Nothing happens to one that is not dead."""
    if sim.place(place).condition not in (Condition.DEAD, Condition.LOST):
        return
    sim.place(place).condition = Condition.UP
    for link in list(sim.links.values()):
        if link.broken and place in (link.source, link.target):
            sim.renew(link)


def freeze(sim: Simulation, place: Name) -> None:
    """The process stops running (SIGSTOP); its connections stay open and its clock goes on. Only one that runs can stop."""
    if sim.place(place).condition is Condition.UP:
        sim.disturb(place)
        sim.place(place).condition = Condition.FROZEN


def unfreeze(sim: Simulation, place: Name) -> None:
    """It runs again: what came due meanwhile happens now, in that order. Nothing happens if it died meanwhile."""
    if sim.place(place).condition is Condition.FROZEN:
        sim.place(place).condition = Condition.UP
        sim.wake(sim.place(place))


def hold(sim: Simulation, source: Name, target: Name) -> None:
    """What is sent in this direction waits."""
    link = sim.link(source, target)
    if not link.held:
        sim.disturb(source, target)
        link.held, link.held_at = True, sim.now


def release(sim: Simulation, source: Name, target: Name) -> None:
    """What waited in this direction arrives now, in order."""
    link = sim.link(source, target)
    link.held = False
    waiting, link.waiting = link.waiting, []
    # At once, not by the agenda: something sent later may be due at this very instant.
    sim.carry_out(waiting)


def stop_serving(sim: Simulation, place: Name) -> None:
    """An outage of a server: connections break and are refused; its durable state and due timers wait.

    Nothing happens when the place is dead.
    """
    if sim.place(place).condition not in (Condition.UP, Condition.FROZEN):
        return
    sim.disturb(place)
    mine = {seat.name for seat in _seats_of(sim, place)}
    for seat in list(sim.seats.values()):
        if seat.name not in mine:
            for tag, (serial, callee, _) in list(seat.calls.items()):
                if callee in mine:
                    sim.inject(callee, Withdrawn(Call(seat.name, tag, serial)))
    _break_calls(sim, place, mine)
    sim.place(place).condition = Condition.DOWN


def serve_again(sim: Simulation, place: Name) -> None:
    """The server is back: timers that ran out meanwhile fire right away. Nothing happens unless it was down."""
    if sim.place(place).condition is Condition.DOWN:
        sim.place(place).condition = Condition.UP
        sim.wake(sim.place(place))
