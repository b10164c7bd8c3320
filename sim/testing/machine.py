"""A Hypothesis state machine that drives a run: clients and operators act, time passes, promises are looked at after each step.

    from sim.testing.machine import SessionMachine

    class Uploads(SessionMachine):
        properties = ("same_worker", "slot_limit")

    TestUploads = Uploads.TestCase

When something breaks, Hypothesis shrinks the steps, and the error has the scenario that does the same without a machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sim.properties.base import Property, Violation
from sim.scenario.run import RunResult
from sim.testing.live import LiveRun
from sim.testing.strategies import clusters, workloads

SECOND: Final = 1_000_000
MOST_WORKFLOWS: Final = 6
SESSION: Final = "internalSessionCreationActivity"

Table = dict[str, Any]
AFTERWARDS: Final = st.sampled_from([0, 1, 5, 15, 30])
"""Seconds until the next step: enough for what was done to have consequences."""


class SessionMachine(RuleBasedStateMachine):
    """One run. Derive from it: say what is judged, which cluster and workload there is, and add rules and invariants.

    `self.live` is the run (`sim.testing.live.LiveRun`).
    """

    properties: ClassVar[Sequence[str | Property]] = ("slot_limit", "token_conservation", "same_worker", "recreate_same_worker")
    """Promises and duties, by name or of your own, that have to hold after each step. Without a change: some that always do."""
    cluster: ClassVar[st.SearchStrategy[Table]] = clusters()
    """The tables `workers`."""
    workload: ClassVar[st.SearchStrategy[Table]] = workloads(max_workflows=1)
    """The tables `workflows`, `activities` and `modules`; clients start more of the first of them."""
    seed: ClassVar[int] = 1
    """The luck of what is not decided by the machine."""

    live: LiveRun

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """The cluster and the first workflows."""
        tables = {"name": "machine", **data.draw(self.cluster, "cluster"), **data.draw(self.workload, "workload")}
        self._first: Mapping[str, Any] = tables["workflows"][0]
        self._started = len(tables["workflows"])
        self._cancelled: set[str] = set()
        self.live = LiveRun(tables, self.seed, self.properties)
        self.live.advance(SECOND)

    # -- what happens --------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 5, 15, 30, 60]))
    def time_passes(self, seconds: int) -> None:
        self.live.advance(seconds * SECOND)

    @precondition(lambda self: self._started < MOST_WORKFLOWS)
    @rule(then=AFTERWARDS)
    def client_starts_a_workflow(self, then: int) -> None:
        self._started += 1
        table = {key: value for key, value in self._first.items() if key != "arrival"}
        self.live.start({**table, "id": f"more{self._started}"})
        self._let_pass(then)

    @precondition(lambda self: bool(self._not_cancelled))
    @rule(data=st.data(), then=AFTERWARDS)
    def client_cancels(self, data: st.DataObject, then: int) -> None:
        workflow = data.draw(st.sampled_from(self._not_cancelled), "workflow")
        self._cancelled.add(workflow)
        self._act({"kind": "cancel", "target": workflow}, then)

    @precondition(lambda self: bool(self.live.open))
    @rule(data=st.data(), then=AFTERWARDS)
    def client_terminates(self, data: st.DataObject, then: int) -> None:
        self._act({"kind": "terminate", "target": self._workflow(data)}, then)

    @precondition(lambda self: bool(self.live.open))
    @rule(data=st.data(), name=st.sampled_from(["go", "stop"]), then=AFTERWARDS)
    def client_signals(self, data: st.DataObject, name: str, then: int) -> None:
        self._act({"kind": "signal", "target": self._workflow(data), "name": name}, then)

    @precondition(lambda self: bool(self.live.open))
    @rule(data=st.data(), then=AFTERWARDS)
    def operator_pauses_the_session(self, data: st.DataObject, then: int) -> None:
        self._act({"kind": "pause_activity", "target": self._workflow(data), "activity": SESSION}, then)

    @precondition(lambda self: any(self.live.processes.values()))
    @rule(data=st.data(), kind=st.sampled_from(["kill", "lose_machine", "stop"]), then=AFTERWARDS)
    def worker_ends(self, data: st.DataObject, kind: str, then: int) -> None:
        self._act({"kind": kind, "target": self._process(data, running=True)}, then)

    @precondition(lambda self: not all(self.live.processes.values()))
    @rule(data=st.data(), then=AFTERWARDS)
    def worker_starts(self, data: st.DataObject, then: int) -> None:
        self._act({"kind": "start", "target": self._process(data, running=False)}, then)

    @precondition(lambda self: any(self.live.processes.values()))
    @rule(data=st.data(), kind=st.sampled_from(["partition", "pause"]), seconds=st.sampled_from([1, 5, 15, 30, 60]), then=AFTERWARDS)
    def worker_is_out_of_reach(self, data: st.DataObject, kind: str, seconds: int, then: int) -> None:
        self._act({"kind": kind, "target": self._process(data, running=True), "for": f"{seconds}s"}, then)

    @rule(seconds=st.sampled_from([1, 5, 15, 30, 60]))
    def server_is_away(self, seconds: int) -> None:
        # A second outage within the first has no meaning of its own.
        self._act({"kind": "server_outage", "for": f"{seconds}s"}, seconds)

    # -- what has to hold ----------------------------------------------------------------------------------------------

    @invariant()
    def promises_hold(self) -> None:
        """Nothing that is judged is broken by now."""
        if broken := self.live.broken():
            raise AssertionError(self.describe(broken))

    def teardown(self) -> None:
        """The end of the run: what is still open is judged in `ended`."""
        if hasattr(self, "live"):
            self.ended(self.live.finish())

    def ended(self, result: RunResult) -> None:
        """For checks of yours of the whole run; it need not have come to a good end, since nothing was healed."""

    def describe(self, broken: Mapping[str, Sequence[Violation]]) -> str:
        """What is broken, and the file that shows it."""
        said = [f"{name}: {violation.message}" for name, violations in broken.items() for violation in violations[:3]]
        return "\n".join([*said, "", f"the same without a machine, with seed {self.seed}:", repr(self.live.scenario())])

    # -- choosing ------------------------------------------------------------------------------------------------------

    def _act(self, table: Table, then: int) -> None:
        self.live.act(table)
        self._let_pass(then)

    def _let_pass(self, seconds: int) -> None:
        """What was done is done before the next step looks."""
        self.live.advance(max(seconds * SECOND, SECOND // 1000))

    @property
    def _not_cancelled(self) -> list[str]:
        return [workflow for workflow in self.live.open if workflow not in self._cancelled]

    def _workflow(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self.live.open), "workflow")

    def _process(self, data: st.DataObject, running: bool) -> str:
        fitting = [name for name, runs in self.live.processes.items() if runs is running]
        return data.draw(st.sampled_from(fitting), "worker")
