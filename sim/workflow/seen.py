"""What workflow code lets the outside see about its sessions. Emitted once, not again on replay.

`run` is the run's name, `session` the session's id (a name in the simulation, a uuid in an exported history).
"""

from __future__ import annotations

from msgspec import Struct


class SessionAsked(Struct, frozen=True):
    """CreateSession or RecreateSession scheduled a creation activity. Timeouts in microseconds."""

    run: str
    session: str
    task_queue: str
    recreated: bool
    creation_timeout: int
    execution_timeout: int
    heartbeat_timeout: int


class SessionCreated(Struct, frozen=True):
    """CreateSession or RecreateSession returned a session context, bound to the worker behind `task_queue`."""

    run: str
    session: str
    task_queue: str
    host: str


class SessionNotCreated(Struct, frozen=True):
    """CreateSession or RecreateSession returned an error. `refused`: because the context has an open session."""

    run: str
    session: str
    error: str
    refused: bool = False


class SessionStateChanged(Struct, frozen=True):
    run: str
    session: str
    before: str
    after: str
    why: str


class SessionCompleteCalled(Struct, frozen=True):
    """CompleteSession was called in this state."""

    run: str
    session: str
    state: str


class SessionCompleteReturned(Struct, frozen=True):
    """CompleteSession of an open session returned. `error`: what became of the completion activity."""

    run: str
    session: str
    error: str


class Saw(Struct, frozen=True):
    """A program's step had this outcome, as the recordings write it (`workflow_saw`)."""

    run: str
    op: str
    name: str
    context: str
    error: str
    state: str
    value: object
    elapsed_ms: int
