"""`session-sim diff`: where two runs part, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sim.cli.exits import Exit, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_user
from sim.report.clock import stamp


@guarded
def command(
    a: Annotated[str, typer.Argument(metavar="A", help="A tape, or a directory that run --out wrote.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    as_json: AsJson = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when the runs differ.")] = False,
) -> None:
    """Show the first difference of two runs and its consequences: sessions, workflows, promises.

    Example: session-sim diff reports/good/run.tape reports/bad/run.tape
    """
    from sim.cli import load
    from sim.cli.progress import patiently
    from sim.cli.rerun import rerun
    from sim.report.difference import compare
    from sim.report.story import StoryCollector

    tapes = (load.tape(a), load.tape(b))
    stories = (StoryCollector(), StoryCollector())
    with patiently("running both tapes"):
        results = [rerun(tape, [story]) for tape, story in zip(tapes, stories, strict=True)]
    found = compare(tapes, results, [story.story().told(routine=True) for story in stories])
    if as_json:
        print_json(found)
    else:
        _show(found)
    leave(Exit.NOT_AS_EXPECTED if exit_code and not found["same"] else Exit.OK)


def _show(found: dict[str, Any]) -> None:
    from sim.report.difference import brief

    console = to_user()
    if found["same"]:
        console.print(f"The same run: digest {found['digests'][0]}.", style="green")
        return
    if found["inputs"]:
        console.print("What they were given differs", style="bold")
        for row in found["inputs"][:20]:
            console.print(f"  {row['key']}: {brief(row['a'])} / {brief(row['b'])}", markup=False, soft_wrap=True)
    first = found["first_difference"]
    console.print("\nFirst difference in what happened", style="bold")
    if first is None:
        console.print("  none that a story tells: only times and messages below its lines differ")
    else:
        for line in first["before"]:
            console.print(f"    {line}", style="dim", markup=False, soft_wrap=True)
        for side in ("a", "b"):
            said = first[side]
            text = f"{stamp(round(said['at_s'] * 1e6), 6)} {said['text']}" if said else "the story is over"
            console.print(f"  {side.upper()} {text}", style="red" if side == "a" else "green", markup=False, soft_wrap=True)
    console.print("\nConsequences", style="bold")
    for row in found["consequences"][:40]:
        console.print(f"  {row['what']}: {brief(row['a'])} / {brief(row['b'])}", markup=False, soft_wrap=True)
    if not found["consequences"]:
        console.print("  none: the same sessions, workflows and verdicts")
