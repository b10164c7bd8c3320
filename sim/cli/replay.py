"""`session-sim replay`: a tape again."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.exits import Exit, guarded, leave
from sim.cli.output import print_json, to_user


@guarded
def command(
    tape: Annotated[str, typer.Argument(metavar="TAPE", help="A tape, a directory that run --out wrote, or - for standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Run a tape again and say whether the same happened, to the byte.

    Example: session-sim replay reports/demo/run.tape
    """
    from sim.cli import load
    from sim.cli.progress import patiently
    from sim.scenario.replay import replay

    recorded = load.tape(tape)
    with patiently("replaying"):
        outcome = replay(recorded)
    if as_json:
        print_json(outcome.to_json())
    elif outcome.identical:
        to_user().print(f"Identical: digest {outcome.digest}.", style="green")
    else:
        console = to_user()
        console.print("The run is not the one on the tape.", style="bold red")
        difference = outcome.first_difference
        if difference is not None:
            when = f" at {difference.at_s:g} s" if difference.at_s is not None else ""
            console.print(f"first difference{when}:\n  recorded  {difference.recorded}\n  now       {difference.now}", markup=False)
        console.print(f"The tape was made by {recorded.made_by}. Another version of the program may choose otherwise.", style="dim")
    leave(Exit.OK if outcome.identical else Exit.NOT_AS_EXPECTED)
