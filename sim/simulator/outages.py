"""What can be done to places and links: the operations behind every fault that is not a protocol's own input."""

from __future__ import annotations

from sim.model.inputs import Call, Name, Unreachable, Withdrawn
from sim.simulator.places import Condition
from sim.simulator.seats import Seat
from sim.simulator.simulation import Simulation


def _seats_of(sim: Simulation, place: Name) -> list[Seat]:
    return [seat for seat in sim.seats.values() if seat.place.name == place]


def kill(sim: Simulation, place: Name) -> None:
    """The process dies; the kernel closes its connections, so the other ends get to know (after the link's delay)."""
    _die(sim, place, told=True)


def lose_machine(sim: Simulation, place: Name) -> None:
    """The machine vanishes: nobody is told, what is sent to it is never answered."""
    _die(sim, place, told=False)


def _die(sim: Simulation, place: Name, told: bool) -> None:
    for seat in _seats_of(sim, place):
        for tag, (serial, callee) in seat.calls.items():
            if told:
                sim.tell_withdrawn(seat, tag, serial, callee)
        seat.calls.clear()
        sim.remove(seat.name)
    sim.place(place).condition = Condition.DEAD
    if told:
        return
    for link in sim.links.values():
        if place in (link.source, link.target):
            link.broken = True


def revive(sim: Simulation, place: Name) -> None:
    """A dead place can be used again, empty, with new connections."""
    sim.place(place).condition = Condition.UP
    for key in [key for key in sim.links if place in key]:
        # What was on its way belongs to the old connection, which keeps its state.
        del sim.links[key]


def freeze(sim: Simulation, place: Name) -> None:
    """The process stops running (SIGSTOP); its connections stay open and its clock goes on."""
    sim.place(place).condition = Condition.FROZEN


def unfreeze(sim: Simulation, place: Name) -> None:
    """It runs again: what came due meanwhile happens now, in that order."""
    sim.place(place).condition = Condition.UP
    sim.wake(sim.place(place))


def hold(sim: Simulation, source: Name, target: Name) -> None:
    """What is sent in this direction waits."""
    sim.link(source, target).held = True


def release(sim: Simulation, source: Name, target: Name) -> None:
    """What waited in this direction arrives now, in order."""
    link = sim.link(source, target)
    link.held = False
    waiting, link.waiting = link.waiting, []
    for entry in waiting:
        sim.agenda.at(sim.now, entry)


def stop_serving(sim: Simulation, place: Name) -> None:
    """An outage of a server: connections break and are refused; its durable state and due timers wait."""
    mine = {seat.name for seat in _seats_of(sim, place)}
    for seat in list(sim.seats.values()):
        if seat.name in mine:
            continue
        for tag, (serial, callee) in list(seat.calls.items()):
            if callee in mine:
                sim.inject(callee, Withdrawn(Call(seat.name, tag, serial)))
                sim.answer(seat.name, tag, serial, place, Unreachable())
    sim.place(place).condition = Condition.DOWN


def serve_again(sim: Simulation, place: Name) -> None:
    """The server is back: timers that ran out meanwhile fire right away."""
    sim.place(place).condition = Condition.UP
    sim.wake(sim.place(place))
