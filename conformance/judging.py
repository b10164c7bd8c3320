"""Judges recorded cases while others are recorded, and keeps the rejected ones and what they were shrunk to.

`conform` runs in a process of its own, with what time the recordings leave: the proxies of all workers run in this one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import tomli_w
from temporalio.service import RPCError

from conformance.plan import NotRecordable, plan_of
from conformance.record import Rig, record
from conformance.servers import ServerError
from conformance.shrink import Limits, Shrinker, Tried
from conformance.smaller import Candidate, Table
from conformance.workers import WorkerError
from sim import Scenario, ScenarioError

SCENARIO: Final = "scenario.toml"
"""The file in a case's folder with what was meant to happen; `session-sim run` takes it."""

SMALLER: Final = "smaller"
"""The folder in a rejected case's with the smallest that is rejected in the same way."""


class JudgeError(Exception):
    """`conform` did not come to a verdict; the message has what it said."""


async def kind_of(folder: Path) -> str:
    """How a recorded case is rejected: the verdict and what stands where it is; "" when it is accepted. Raises JudgeError."""
    nice = ["nice", "-n", "19"] if shutil.which("nice") else []
    command = [*nice, sys.executable, "-m", "sim", "conform", str(folder), "--json", "--out", str(folder / "judged")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    finally:
        shutil.rmtree(folder / "judged", ignore_errors=True)
    try:
        case = json.loads(output)["cases"][0]
    except (ValueError, KeyError, IndexError):
        raise JudgeError(f"{folder}: conform ended with code {process.returncode}: {errors.decode()[-500:].strip()}") from None
    return kind(case["verdict"], (case["rejected_at"] or {}).get("recorded", ""))


def kind(verdict: str, recorded: str) -> str:
    """The kind of a rejection: two are the same when the same kind of event stands where no choice explains it."""
    if verdict == "accepted":
        return ""
    event = recorded.partition(" (")[0].partition(" by ")[0].partition(" at ")[0]
    return f"{verdict} at {event}" if event else verdict


def write_scenario(table: Table, folder: Path) -> None:
    """Put the scenario beside its recording. Raises OSError."""
    (folder / SCENARIO).write_text(tomli_w.dumps(table), "utf-8")


async def shrink_case(folder: Path, table: Table, rig: Rig, limits: Limits, tell: Callable[[str], None]) -> Path | None:
    """Make a rejected case smaller; every smaller one replaces the last in its folder `smaller`.

    Args:
        folder: the recorded case.
        table: its scenario.

    Returns: the folder of the smallest, None when none is smaller.

    Raises:
        JudgeError: the case cannot be judged, or is accepted.
        OSError: nothing can be written.
    """
    wanted = await kind_of(folder)
    if not wanted:
        raise JudgeError(f"{folder} is accepted: there is nothing to make smaller")
    scratch, numbers = folder / "tries", itertools.count(1)

    async def attempt(candidate: Candidate) -> Tried | None:
        try:
            plan = plan_of(Scenario.from_dict(candidate.table))
            place = await record(replace(plan, name=table["name"]), rig, scratch / str(next(numbers)))
            return Tried(await kind_of(place), place)
        except (ScenarioError, NotRecordable):
            return None
        except (ServerError, WorkerError, JudgeError, RPCError) as error:
            return Tried(f"nothing ({error})", scratch)

    best = None
    shrinker = Shrinker(table, wanted, attempt, limits, tell)
    try:
        async for improvement in shrinker.improvements():
            best = folder / SMALLER
            if best.exists():
                shutil.rmtree(best)
            write_scenario(improvement.candidate.table, improvement.folder)
            shutil.move(improvement.folder, best)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return best


__all__ = ["SCENARIO", "SMALLER", "JudgeError", "kind", "kind_of", "shrink_case", "write_scenario"]
