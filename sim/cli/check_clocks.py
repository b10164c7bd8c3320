"""What `session-sim check` found, held to a clock: each finding with the run that confirms it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.cli.output import to_side

if TYPE_CHECKING:
    from sim.checker.result import CheckResult
    from sim.model.system import System
    from sim.scenario.findings import Finding
    from sim.scenario.load import Scenario

WITHOUT: Final = {"symmetry": False, "sharing": False, "subsumption": False}
"""A search that tells apart what another took for one keeps other ways."""
MORE: Final = 4
"""So many times the states, and a hundred thousand, may be searched for them."""

Search = Callable[[dict[str, Any]], "CheckResult"]


class Checked(NamedTuple):
    """What was named on the command line: a scenario, or a model with its settings."""

    argument: str
    settings: tuple[str, ...]


def held(
    what: Checked, scenario: Scenario | None, system: System, result: CheckResult, options: Mapping[str, Any], search: Search
) -> Mapping[str, Finding]:
    """Findings by property; of a model without a clock there are none. `search`: one more search of the system, with these `options`
    or others.
    """
    from sim.model.instant import InstantWorld

    if not isinstance(system.world, InstantWorld):
        return {}
    if scenario is None:
        from sim.systems import held

        return held.findings(held.Source(what.argument, what.settings), system, result)
    from sim.scenario.findings import findings, with_more_ways

    def again() -> CheckResult:
        to_side().print("searching once more, without symmetry, for ways that a clock allows", style="dim")
        return search({**options, **WITHOUT, "limit": min(options["limit"], MORE * result.states + 100_000)})

    found = findings(scenario, system.world, result)
    return with_more_ways(scenario, system.world, found, again) if options["symmetry"] else found
