"""A run that is driven by hand: let time pass, do something to it, look, and have the scenario in which all of that happens by itself.

Whatever is done becomes a table of that scenario, with the present time; a run of it is the same run, to the digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sim.faults import FaultPlan
from sim.model.durations import format_duration
from sim.properties.base import Property, VerdictKind, Violation
from sim.scenario.fault_checks import fault_of
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun, RunResult
from sim.testing.example import Example

DAY: Final = "24h"
"""How long a run by hand may take, and how long it waits after the last workflow: nothing ends it but whoever drives."""


class LiveRun:
    """One run, from its start to now.

    What is done at `now` happens with everything else that is due at this microsecond, in the order that any run has:
    when time goes on. So the clock of the simulation is a microsecond behind.

    Args:
        tables: a scenario's tables, as TOML would give them; faults that they have happen, too.
        seed: the luck.
        properties: the promises and duties to judge, by name, or properties of your own; all promises when None.

    Raises:
        ScenarioError: something in the tables is wrong.
    """

    def __init__(self, tables: Mapping[str, Any], seed: int = 1, properties: Sequence[str | Property] | None = None) -> None:
        self.now = 0
        """Microseconds since the start."""
        self._tables = {**tables, "until": DAY, "grace": DAY}
        self._faults: list[dict[str, Any]] = list(tables.get("faults", []))
        self._workflows: list[dict[str, Any]] = list(tables["workflows"])
        self._prepared = PreparedRun(self._checked(), seed, properties=properties)
        self._prepared.begin()

    @property
    def open(self) -> list[str]:
        """Ids of the workflows that have started and not ended."""
        return list(self._prepared.workflows.open)

    @property
    def statuses(self) -> dict[str, int]:
        """How many workflows have ended, by status."""
        return dict(self._prepared.workflows.statuses)

    @property
    def processes(self) -> dict[str, bool]:
        """The processes that were ever started, and whether each runs now."""
        return {name: one.alive for name, one in self._prepared.cluster.processes.items()}

    def advance(self, us: int) -> None:
        """Let `us` microseconds pass."""
        self.now += us
        if self.now:
            self._prepared.sim.run(self.now - 1)

    def start(self, table: Mapping[str, Any]) -> None:
        """A client starts a workflow: a `[[workflows]]` table without `arrival`, of a workflow that the scenario has already.

        Raises ScenarioError when something is wrong with it: an id that is taken, for instance.
        """
        table = {**table, "arrival": {"at": [format_duration(self.now)]}}
        model = self._checked(workflows=[*self._workflows, table]).model
        self._workflows.append(table)
        self._prepared.add_workflows(model.workflows[-1])

    def act(self, table: Mapping[str, Any]) -> None:
        """A client, an operator or the world does something, now: a `[[faults]]` table that does not say when.

        Raises ScenarioError when something is wrong with it.
        """
        table = {**table, "at": format_duration(self.now)}
        model = self._checked(faults=[*self._faults, table]).model
        number = len(self._faults)
        self._faults.append(table)
        sim = self._prepared.sim
        FaultPlan([fault_of(model.faults[-1])], sim, self._prepared.operations, sim.choices.sample_at, number).begin()

    def broken(self) -> dict[str, tuple[Violation, ...]]:
        """What is broken by now, with what was seen; what is only due is not judged before the end."""
        judge = self._prepared.judge
        verdicts = {} if judge is None else {name: observer.verdict() for name, observer in judge.observers.items()}
        return {name: verdict.violations for name, verdict in verdicts.items() if verdict.kind is VerdictKind.BROKEN}

    def scenario(self) -> Example:
        """The scenario in which all that was done happens by itself, until now."""
        made = self._checked(until=format_duration(max(self.now, 1)))
        return Example(made.model, made.source)

    def _checked(self, **more: Any) -> Scenario:
        content = {**self._tables, "workflows": self._workflows, "faults": self._faults, **more}
        return Scenario.from_dict(content, source="the run by hand")

    def finish(self) -> RunResult:
        """The end: what is due now happens, what is still open is judged. To be called once."""
        self._prepared.sim.run(max(self.now, 1))
        return self._prepared.result(full_tape=False, recorder=None)
