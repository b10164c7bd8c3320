"""Hold the simulator to a real server: ``python -m conformance [CASE.toml ...] [--random N --seed S]``.

Builds the Go programs (once; the server takes minutes), records the cases on a real server on loopback, has `conform` judge
them, and prints the table. What is not accepted stays in its folder.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from temporalio.service import RPCError

from conformance import draw
from conformance.build import SERVER, WORKER, BuildError, build, default_version
from conformance.plan import NotRecordable, Plan, plan_of
from conformance.record import Rig, record
from conformance.servers import ServerError
from conformance.workers import WorkerError, host_prefix
from sim import Scenario, conform
from sim.evidence.result import ConformResult

HERE: Final = Path(__file__).resolve().parent
CASES: Final = HERE / "cases"
RECORDED: Final = HERE / "recorded"
GRACE: Final = "2s"
"""How long a random case goes on after its last workflow."""


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    if not host_prefix():
        print(
            "warning: this machine does not let a worker have a host name of its own (unshare -u); all have the machine's", file=sys.stderr
        )
    try:
        plans = list(_plans(options))
        binaries = build(WORKER, options.sdk), build(SERVER, options.server)
    except (BuildError, NotRecordable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rig = Rig(*binaries, options.sdk or default_version(WORKER), options.server or default_version(SERVER))
    folders = asyncio.run(_record_all(plans, rig, options.out, options.parallel))
    if options.only_record or not folders:
        return 0 if len(folders) == len(plans) else 1
    result = conform(folders)
    print(_table(result))
    return 0 if result.as_expected and len(folders) == len(plans) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Record cases on a real server and judge them.")
    parser.add_argument("cases", nargs="*", type=Path, metavar="CASE.toml", help="scenarios (default: those in conformance/cases)")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="record N random cases instead")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the first random case (default: 1)")
    parser.add_argument("--sdk", default="", metavar="VERSION", help="of the Go SDK (default: that of conformance/go.mod)")
    parser.add_argument("--server", default="", metavar="VERSION", help="of the server (default: that of conformance/server/go.mod)")
    parser.add_argument("--out", type=Path, default=RECORDED, metavar="DIR", help="where the cases go (default: conformance/recorded)")
    parser.add_argument("--only-record", action="store_true", help="leave the judging to `session-sim conform`")
    parser.add_argument("--parallel", type=int, default=4, metavar="N", help="cases recorded at a time (default: 4)")
    return parser


def _plans(options: argparse.Namespace) -> list[Plan]:
    """What is to be recorded. Raises NotRecordable."""
    if options.random:
        tables = [draw.scenario(seed) for seed in range(options.seed, options.seed + options.random)]
        return [plan_of(Scenario.from_dict({**table, "grace": GRACE})) for table in tables]
    return [plan_of(Scenario.load(file)) for file in options.cases or sorted(CASES.glob("*.toml"))]


async def _record_all(plans: list[Plan], rig: Rig, out: Path, parallel: int) -> list[Path]:
    """Record all plans, some at a time, each on a server of its own; what cannot be recorded is said and left out."""
    places = asyncio.Semaphore(parallel)

    async def one(plan: Plan) -> Path | None:
        async with places:
            try:
                folder = await record(plan, rig, out)
            except (ServerError, WorkerError, OSError, RuntimeError, RPCError) as error:
                print(f"{plan.name}: not recorded: {error}", file=sys.stderr)
                return None
            print(f"{plan.name}: recorded", file=sys.stderr)
            return folder

    return [folder for folder in await asyncio.gather(*map(one, plans)) if folder is not None]


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
