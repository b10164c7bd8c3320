"""Tapes of models: their runs with a clock again, and what they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from sim.cli.exits import Exit, WrongInput
from sim.cli.output import print_json, to_user

if TYPE_CHECKING:
    from sim.systems.run import ModelRun
    from sim.trace.tape import Tape

DIGITS: Final = 6
"""Of the fraction of a second: steps are a microsecond apart where nothing lies between them."""


def replay(tape: Tape, as_json: bool) -> Exit:
    """Run it again, and say whether the same happened, and whether it breaks the same promise."""
    run, broken = _again(tape)
    name, identical = tape.scenario.get("breaks"), run.digest == tape.digest
    if as_json:
        print_json({"identical": identical, "digest": run.digest, "breaks": name, "broken": broken})
    else:
        console = to_user()
        if identical:
            console.print(f"Identical: digest {run.digest}.", style="green")
        else:
            console.print("The run is not the one on the tape.", style="bold red")
            console.print(f"The model {tape.scenario['model']} has changed, or was built otherwise.", style="dim", markup=False)
        _print_verdict(console, tape, name, broken)
    return Exit.OK if identical else Exit.NOT_AS_EXPECTED


def explain(tape: Tape, as_json: bool) -> Exit:
    """Tell what happened when."""
    from sim.report.clock import stamp

    run, broken = _again(tape)
    lines = [(one.time, one.told) for one in run.happened]
    if as_json:
        story = [{"at_s": time / 1e6, "text": text} for time, text in lines]
        print_json({"model": tape.scenario["model"], "digest": run.digest, "story": story, "breaks": tape.scenario.get("breaks")})
        return Exit.OK
    console = to_user()
    console.print(" ".join([str(tape.scenario["model"]), *tape.scenario["settings"]]) + "\n", style="bold", markup=False)
    for time, text in lines:
        console.print(f"{stamp(time, DIGITS):>13}  {text}", markup=False, soft_wrap=True)
    console.print()
    _print_verdict(console, tape, tape.scenario.get("breaks"), broken)
    return Exit.OK


def _print_verdict(console: Console, tape: Tape, name: Any, broken: bool) -> None:
    said = "is broken in the end" if broken else "is kept in the end"
    console.print(f"“{name}” {said}, after {tape.ended_at_us / 1e6:g} s.", style="bold red" if broken else "green", markup=False)


def _again(tape: Tape) -> tuple[ModelRun, bool]:
    """The run, and whether its promise is broken in the end. Raises WrongInput."""
    from sim.cli import model_file
    from sim.systems.run import again

    model, settings, name = (tape.scenario.get(key) for key in ("model", "settings", "breaks"))
    if not isinstance(model, str) or not isinstance(settings, list):
        raise WrongInput(f"the tape is of the model {model!r} with the settings {settings!r}; expected a file, and a list of KEY=VALUE")
    system = model_file.load(model, [str(setting) for setting in settings])
    if not isinstance(name, str) or name not in system.invariants:
        raise WrongInput(f"{model}: has no promise {name!r}, which the tape is about; it has {', '.join(system.invariants) or 'none'}")
    try:
        run = again(system, tape.deviations, tape.ended_at_us)
    except ValueError as error:
        raise WrongInput(f"{model}: {error}; has the model changed since the tape was made?") from None
    return run, not system.invariants[name](run.state)
