"""`session-sim explain`: the story of a tape."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.exits import Exit, WrongInput, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user
from sim.report.clock import stamp


@guarded
def command(
    tape: Annotated[str, typer.Argument(metavar="TAPE", help="A tape, a directory that run --out wrote, or - for standard input.")],
    long: Annotated[bool, typer.Option("--long", help="Also what happens in between.")] = False,
    routine: Annotated[bool, typer.Option("--routine", help="Also heartbeats and calls that came back.")] = False,
    session: Annotated[str, typer.Option("--session", metavar="NAME", help="Only this session (w/1/s1), or this workflow's.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell the story of a run in the protocol's own words.

    Example: session-sim explain reports/demo/run.tape --session file-1
    """
    from sim.cli import load
    from sim.cli.progress import patiently
    from sim.cli.rerun import rerun
    from sim.report.story import StoryCollector
    from sim.trace.tape import is_of_model

    recorded = load.tape(tape, models=True)
    if is_of_model(recorded):
        from sim.cli import model_tape

        if long or routine or session:
            raise WrongInput("--long, --routine and --session: of a model everything is told; expected a tape of a scenario's run")
        leave(model_tape.explain(recorded, as_json))
    collector = StoryCollector()
    with patiently("replaying"):
        result = rerun(recorded, [collector])
    story = collector.story()
    lines = story.told(long, routine, session)
    if session and not any(line.sessions for line in lines):
        known = sorted({name for line in story.lines for name in line.sessions if "/s" in name})
        raise WrongInput(f"--session {session}: the run has no such session; it has {', '.join(known[:12]) or 'none'}{_more(known)}")
    if result.digest != recorded.digest:
        to_side().print("warning: the run is not the one on the tape (session-sim replay says where they part)", style="yellow")
    if as_json:
        told = [{"at_s": line.time / 1e6, "text": line.text, "sessions": list(line.sessions)} for line in lines]
        print_json({"scenario": result.scenario, "seed": result.seed, "digest": result.digest, "story": told, "left_out": story.left_out})
        leave(Exit.OK)
    console = to_user()
    console.print(f"{result.scenario}, seed {result.seed}\n", style="bold", markup=False)
    for line in lines:
        console.print(f"{stamp(line.time):>9}  {line.text}", markup=False, soft_wrap=True)
    if story.left_out:
        console.print(f"\n{story.left_out:,} later observations are not told: the story is too long.", style="yellow")
    if not (long or routine or session):
        console.print("\n--long tells what happens in between, --session NAME the story of one session.", style="dim")


def _more(known: list[str]) -> str:
    return f" and {len(known) - 12} more" if len(known) > 12 else ""
