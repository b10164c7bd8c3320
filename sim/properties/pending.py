"""What has to come in the end: promises without lengths of time, for drivers that can say «for ever».

A promise begins when something becomes *due* and is kept when that is over. It is broken by a run on which something stays due
for ever though nobody waits: only a search of all runs finds that. A simulation judges the properties of the same names by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sim.model.inputs import Deliver, Input
from sim.model.node import Node, Step
from sim.properties.things import State
from sim.protocol import observations as obs
from sim.protocol.names import workflow_of
from sim.workflow import seen

SENTENCES: Final[Mapping[str, str]] = {
    "workflows_finish": "Every workflow comes to an end.",
    "creation_returns": "Every CreateSession returns, or its workflow ends.",
    "completion_frees_slot": "When CompleteSession has returned, the slot is free in the end, or its worker is gone.",
    "failure_is_seen": "A session whose worker is lost fails in the end, unless its workflow completes it or ends before.",
}
"""By name."""

GONE = ("kill", "lose_machine", "exit")
HEARD = (
    obs.WorkflowStarted, obs.WorkflowClosed, obs.TokenTaken, obs.TokenReturned, obs.FaultHappened, seen.SessionAsked, seen.SessionCreated,
    seen.SessionNotCreated, seen.SessionCompleteCalled, seen.SessionCompleteReturned, seen.SessionStateChanged,
)  # fmt: skip
_OVER = (State.FAILED.value, State.CLOSED.value)


@dataclass(slots=True)
class Pending(Node):
    """One promise, for one workflow. `due`: workflows or sessions; `tested`: whether anything was ever due.

    `holders`: session -> the nodes on which it has a slot, `homes`: session that is open -> the place of the worker it was given last.
    """

    promise: str
    due: frozenset[str] = frozenset()
    tested: bool = False
    holders: dict[str, frozenset[str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)

    def handle(self, event: Input, step: Step) -> None:
        if not isinstance(event, Deliver):
            raise TypeError(f"what waits for something takes observations, got {event}")
        match self.promise:
            case "workflows_finish":
                self._finish(event.message)
            case "creation_returns":
                self._creation(event.message)
            case "completion_frees_slot":
                self._completion(event.source, event.message)
            case "failure_is_seen":
                self._failure(event.source, event.message)
            case other:
                raise ValueError(f"there is no promise {other!r} of what comes in the end; there are: {', '.join(SENTENCES)}")

    def _begin(self, *what: str) -> None:
        self.due |= set(what)
        self.tested |= bool(what)

    def _end(self, *what: str) -> None:
        self.due -= set(what)

    def _finish(self, o: object) -> None:
        match o:
            case obs.WorkflowStarted(workflow_id=workflow):
                self._begin(workflow)
            case obs.WorkflowClosed(workflow_id=workflow, next_run=""):
                self._end(workflow)
            case _:
                pass

    def _creation(self, o: object) -> None:
        match o:
            case seen.SessionAsked(session=session, recreated=False):
                self._begin(session)
            case seen.SessionCreated(session=session) | seen.SessionNotCreated(session=session):
                self._end(session)
            case obs.WorkflowClosed():
                self.due = frozenset()
            case _:
                pass

    def _completion(self, source: str, o: object) -> None:
        match o:
            case obs.TokenTaken(session=session):
                self.holders[session] = self.holders.get(session, frozenset()) | {source}
            case obs.TokenReturned(session=session):
                self._released(session, self.holders.get(session, frozenset()) & {source})
            case obs.FaultHappened(kind=kind, place=place) if kind in GONE:
                for session, nodes in list(self.holders.items()):
                    self._released(session, {node for node in nodes if node.startswith(f"{place}/")})
            case seen.SessionCompleteReturned(session=session) if session in self.holders:
                self._begin(session)
            case _:
                pass

    def _released(self, session: str, nodes: set[str] | frozenset[str]) -> None:
        left = self.holders.get(session, frozenset()) - nodes
        if left:
            self.holders[session] = left
        else:
            self.holders.pop(session, None)
            self._end(session)

    def _failure(self, source: str, o: object) -> None:
        match o:
            case obs.TokenTaken(session=session):
                self.holders[session] = frozenset({source.partition("/")[0]})
            case seen.SessionCreated(session=session):
                self.homes[session] = next(iter(self.holders.get(session, ("",))))
            case obs.FaultHappened(kind=kind, place=place) if kind in GONE:
                self._begin(*(session for session, home in self.homes.items() if home == place))
            case seen.SessionCompleteCalled(session=session):
                self._settled(session)
            case seen.SessionStateChanged(session=session, after=after) if after in _OVER:
                self._settled(session)
            case obs.WorkflowClosed():
                self.due, self.homes, self.holders = frozenset(), {}, {}
            case _:
                pass

    def _settled(self, session: str) -> None:
        self.homes.pop(session, None)
        self.holders.pop(session, None)
        self._end(session)


@dataclass(frozen=True, slots=True)
class HearsOf:
    """What a `Pending` hears of: everything of one workflow, and faults."""

    workflow: str

    def __call__(self, source: str, observation: object) -> bool:
        """Whether it hears of this."""
        run = getattr(observation, "run", None)
        return isinstance(observation, HEARD) and (run is None or workflow_of(run) == self.workflow)
