"""Hold the simulator to a real server: ``python -m conformance [CASE.toml ...] [--random N --seed S]``.

Builds the Go programs (once; the server takes minutes), records the cases, each on a real server of its own on loopback,
has `conform` judge them, and prints the table. What is not accepted stays in its folder, with a smaller case that is not
accepted either.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from temporalio.service import RPCError

from conformance import draw
from conformance.build import SERVER, WORKER, BuildError, build, default_version
from conformance.judging import SCENARIO, JudgeError, shrink_case, write_scenario
from conformance.plan import NotRecordable, Plan, plan_of
from conformance.record import Rig, record
from conformance.servers import ServerError
from conformance.shrink import Limits
from conformance.smaller import Table
from conformance.workers import WorkerError, host_prefix
from sim import Scenario, ScenarioError, conform
from sim.evidence.case import CaseError
from sim.evidence.result import ConformResult

HERE: Final = Path(__file__).resolve().parent
CASES: Final = HERE / "cases"
RECORDED: Final = HERE / "recorded"
GRACE: Final = "2s"
"""How long a random case goes on after its last workflow."""

PARALLEL: Final = 3
"""On two cores with three cases at a time a call takes 9 ms (median), 29 ms (95th percentile); with six, 23 and 69 ms."""

SHRINK_RANDOM: Final = 40
"""How many recordings a rejected random case may take to become smaller."""

USAGE, INTERRUPTED = 2, 130


@dataclass(frozen=True, slots=True)
class Wanted:
    """A case to record: its tables and what they come to."""

    table: Table
    plan: Plan


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    try:
        return _run(options)
    except (BuildError, NotRecordable, ScenarioError, CaseError, JudgeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print(f"stopped; what was recorded until now is in {options.out}", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    wanted = _wanted(options)
    if not host_prefix():
        print(
            "warning: this machine does not let a worker have a host name of its own (unshare -u); all have the machine's", file=sys.stderr
        )
    rig = Rig(
        build(WORKER, options.sdk), build(SERVER, options.server),
        options.sdk or default_version(WORKER), options.server or default_version(SERVER),
    )  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    folders = asyncio.run(_record_all(wanted, rig, options.out, options.parallel))
    complete = len(folders) == len(wanted)
    if options.only_record or not folders:
        return 0 if complete else 1
    result = conform(folders)
    print(_table(result))
    rejected = [case.name for case in result if case.verdict != "accepted"]
    recordings = options.shrink if options.shrink is not None else SHRINK_RANDOM * bool(options.random)
    if recordings:
        limits = Limits(recordings, options.shrink_minutes * 60.0, options.parallel)
        _shrink_all([case for case in wanted if case.plan.name in rejected], rig, options.out, limits)
    return 0 if result.as_expected and complete else 1


def _at_least(least: int):  # type: ignore[no-untyped-def]
    def number(text: str) -> int:
        if not text.lstrip("-").isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"is {text!r}; expected a whole number, {least} or more")
        return int(text)

    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Record cases on a real server and judge them.")
    parser.add_argument("cases", nargs="*", type=Path, metavar="CASE.toml", help="scenarios (default: those in conformance/cases)")
    parser.add_argument("--random", type=_at_least(1), default=0, metavar="N", help="record N random cases instead")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the first random case (default: 1)")
    parser.add_argument("--sdk", default="", metavar="VERSION", help="of the Go SDK (default: that of conformance/go.mod)")
    parser.add_argument("--server", default="", metavar="VERSION", help="of the server (default: that of conformance/server/go.mod)")
    parser.add_argument("--out", type=Path, default=RECORDED, metavar="DIR", help="where the cases go (default: conformance/recorded)")
    parser.add_argument("--only-record", action="store_true", help="leave the judging to `session-sim conform`")
    parser.add_argument(
        "--shrink", type=_at_least(0), metavar="N",
        help=f"make each case that is rejected smaller with at most N recordings (default: {SHRINK_RANDOM} of random ones, 0 of others)",
    )  # fmt: skip
    parser.add_argument(
        "--shrink-minutes", type=_at_least(1), default=30, metavar="N", help="and in at most N minutes for each (default: 30)"
    )
    parser.add_argument(
        "--parallel", type=_at_least(1), default=PARALLEL, metavar="N", help=f"cases recorded at a time (default: {PARALLEL})"
    )
    return parser


def _wanted(options: argparse.Namespace) -> list[Wanted]:
    """What is to be recorded. Raises NotRecordable, ScenarioError."""
    if options.random:
        drawn = [{**draw.scenario(seed), "grace": GRACE} for seed in range(options.seed, options.seed + options.random)]
        return [Wanted(table, plan_of(Scenario.from_dict(table))) for table in drawn]
    wanted = []
    for file in options.cases or sorted(CASES.glob("*.toml")):
        plan = plan_of(Scenario.load(file))
        wanted.append(Wanted({**tomllib.loads(file.read_text("utf-8")), "name": plan.name}, plan))
    return wanted


async def _record_all(wanted: list[Wanted], rig: Rig, out: Path, parallel: int) -> list[Path]:
    """Record all cases, some at a time, each on a server of its own; what cannot be recorded is said and left out."""
    places = asyncio.Semaphore(parallel)

    async def one(case: Wanted) -> Path | None:
        async with places:
            try:
                folder = await record(case.plan, rig, out)
                write_scenario(case.table, folder)
            except (ServerError, WorkerError, OSError, RuntimeError, RPCError) as error:
                print(f"{case.plan.name}: not recorded: {error}", file=sys.stderr)
                return None
            print(f"{case.plan.name}: recorded", file=sys.stderr)
            return folder

    return [folder for folder in await asyncio.gather(*map(one, wanted)) if folder is not None]


def _shrink_all(rejected: list[Wanted], rig: Rig, out: Path, limits: Limits) -> None:
    """Make rejected cases smaller, one after the other."""
    for case in rejected:
        name = case.plan.name
        try:
            smallest = asyncio.run(
                shrink_case(out / name, case.table, rig, limits, lambda line, name=name: print(f"{name}: {line}", file=sys.stderr))  # type: ignore[misc]
            )
        except JudgeError as error:
            print(f"{name}: not made smaller: {error}", file=sys.stderr)
            continue
        said = f"the smallest that is rejected in the same way is {smallest / SCENARIO}" if smallest else "nothing smaller was rejected"
        print(f"{name}: {said}")


def _table(result: ConformResult) -> str:
    lines = []
    for case in result:
        largest = "" if case.largest_difference_ms is None else f"{case.largest_difference_ms:.1f} ms"
        why = "" if case.rejection is None else f"  {case.rejection}"
        lines.append(f"{case.name:24} {case.verdict:10} {case.tries:4} tries  {largest}{why}")
    accepted = sum(case.verdict == "accepted" for case in result)
    return "\n".join([*lines, f"{accepted} of {len(result)} accepted"])


if __name__ == "__main__":
    raise SystemExit(main())
