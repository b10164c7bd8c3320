"""What world `session-sim check` searches: a model's, or that of a scenario with budgets of faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sim.cli import check_asked
from sim.cli.exits import WrongInput

if TYPE_CHECKING:
    from sim.model.system import System
    from sim.model.windows import Ticks
    from sim.scenario.load import Scenario


class How(NamedTuple):
    """What kind of world a model or scenario is checked in."""

    meaning: str
    """What timers mean, "" for what is usual."""
    unit: str
    """That of windows, as text."""
    travel: bool
    """Whether messages are on their way for a while."""
    no_reduction: bool

    @staticmethod
    def of(time: str, unit: str, messages: str, walks: bool, no_reduction: bool) -> How:
        """As options say. Raises WrongInput."""
        # Walks are made for runs without a clock: their bound counts orders of events.
        if walks and time == "windows":
            raise WrongInput("--walks with --time windows: walks have no clock; expected --time untimed or free, or no --walks")
        if messages not in ("at-once", "travel"):
            raise WrongInput(f"--messages {messages}: expected at-once or travel")
        travel = messages == "travel"
        if travel and no_reduction:
            raise WrongInput(
                "--messages travel with --no-reduction: there each message arrives by itself already, in order; give one of them"
            )
        return How(time or ("untimed" if walks else ""), unit, travel, no_reduction)

    def in_windows(self, is_model: bool) -> bool:
        """Whether time passes in windows: in scenarios it does unless something else is asked for, in models when that is."""
        return self.meaning == "windows" or not (self.meaning or is_model)

    def ticks(self) -> Ticks | None:
        """The clock of a scenario, None without one. Raises WrongInput."""
        from sim.model.durations import parse_duration
        from sim.model.windows import Ticks

        if self.meaning in ("untimed", "free"):
            return None
        if self.meaning not in ("", "windows"):
            raise WrongInput(f"--time {self.meaning}: expected windows, untimed or free")
        try:
            unit = parse_duration(self.unit)
        except ValueError as error:
            raise WrongInput(f"--unit: {error}") from None
        if not unit:
            raise WrongInput("--unit 0s: expected a unit of time, such as 5s; the smaller, the more states")
        return Ticks(unit)


def system_of(
    argument: str, settings: list[str], how: How, bounds: dict[str, int], properties: list[str] | None
) -> tuple[System, Scenario | None]:
    """A model's system, or a scenario's with the scenario. Raises WrongInput."""
    ticks = how.ticks()
    if check_asked.names_a_model(argument):
        from sim.cli import model_file

        system = model_file.load(argument, settings)
        return (_with_ticks(system, ticks) if ticks is not None and how.in_windows(is_model=True) else system), None
    from sim.cli import load
    from sim.scenario import checked

    try:
        scenario = load.scenario(argument, settings)
        budgets = checked.Bounds(**{**bounds, "slow": checked.UNLIMITED if how.meaning == "free" else bounds["slow"]})
        reductions = checked.NO_REDUCTIONS if how.no_reduction else checked.Reductions()
        return checked.system_of(scenario, budgets, properties, reductions, ticks, how.travel), scenario
    except ValueError as error:
        raise WrongInput(str(error)) from None


def _with_ticks(system: System, ticks: Ticks) -> System:
    """A model with a clock that moves in ticks."""
    from dataclasses import replace

    from sim.model.instant import with_ticks

    try:
        world = with_ticks(system.world, ticks)
    except ValueError as error:
        raise WrongInput(str(error)) from None
    losses = "none" if world.lossy is None else "any"
    bounds = {**ticks.said(), "network": world.network.name.lower(), "losses": losses, **system.bounds}
    return replace(system, world=world, bounds=bounds)
