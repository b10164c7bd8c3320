"""The guard of determinism: runs of a campaign once more, in a fresh Python with another PYTHONHASHSEED.

A run must be the same there. When it is not, something in it depends on the order of a set, on the hash of a text or on where
an object lies in memory, and the first event that differs says where to look.

A digest knows what happened when, and no arguments. What workflow code asks activities for, in the order of a set for instance, is
compared besides.
"""

from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import numpy as np

from sim.faults.nemesis import Plan
from sim.fuzz.corpus import Corpus
from sim.fuzz.result import Guarded
from sim.fuzz.schedulers import Schedule
from sim.fuzz.subject import Played, play
from sim.history.events import ActivityTaskScheduled, Event, MarkerRecorded, WorkflowExecutionContinuedAsNew, Wrote
from sim.model.durations import format_duration
from sim.scenario.fuzzing import Ground
from sim.scenario.run import PreparedRun, spelled
from sim.simulator.digest import Digest

OTHER_HASHES: Final = "4242"
"""The PYTHONHASHSEED of the fresh process; a process that has this one already uses the next."""


def check(ground: Ground, digests: Mapping[int, str], schedule: Schedule, corpus: Corpus | None = None) -> Guarded:
    """Run these seeds again, here and in a fresh process, and compare what happens and what is asked for.

    Raises:
        RuntimeError: the process failed; the message has what it said.
    """
    if not digests:
        return Guarded()
    seeds = tuple(digests)
    parents = {seed: corpus.parent(seed) if corpus is not None else None for seed in seeds}
    here = [f"{digests[seed]} {_Heard(ground, schedule, seed, parents[seed]).asked}" for seed in seeds]
    there = _elsewhere(ground, schedule, parents, False)
    differing = tuple(seed for seed, mine, theirs in zip(seeds, here, there, strict=True) if mine != theirs)
    difference = ""
    if differing:
        one = differing[0]
        events_there = _elsewhere(ground, schedule, {one: parents[one]}, True)
        difference = f"seed {one}: {first_difference(events(ground, schedule, one, parents[one]), events_there)}"
    return Guarded(seeds, differing, difference)


class _Heard:
    """A run, and what its workflows asked for: when, and in words."""

    def __init__(self, ground: Ground, schedule: Schedule, seed: int, parent: Plan | None) -> None:
        self.requests: list[tuple[int, str]] = []
        self.played: Played = play(ground, seed, schedule, parent=parent, before=self._listen)

    @property
    def asked(self) -> str:
        """A digest of what was asked for."""
        return blake2b("\n".join(text for _, text in self.requests).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _listen(self, prepared: PreparedRun) -> None:
        prepared.sim.listen(Wrote, self._wrote)

    def _wrote(self, time: int, node: str, wrote: Wrote) -> None:
        self.requests += [(time, f"{wrote.run} {text}") for written in wrote.events if (text := _request(written.event))]


def _request(event: Event) -> str:
    """What workflow code had a say in, in an event; "" where it had none."""
    match event:
        case ActivityTaskScheduled(command=command):
            return f"asks for {command.activity_type}({spelled(command.input)}) on {command.task_queue}"
        case MarkerRecorded(name=name, value=value):
            return f"records {name} {spelled(value)}"
        case WorkflowExecutionContinuedAsNew(workflow_type=workflow_type, input=argument):
            return f"continues as {workflow_type}({spelled(argument)})"
        case _:
            return ""


def events(ground: Ground, schedule: Schedule, seed: int, parent: Plan | None = None) -> list[str]:
    """Everything that happened in a run, a line each: when, at which node, what; and what workflows asked for."""
    heard = _Heard(ground, schedule, seed, parent)
    digest: Digest = heard.played.prepared.sim.digest
    blocks = [np.frombuffer(block, dtype=np.int64) for block in digest.blocks or []]
    table = np.concatenate(blocks).reshape(-1, 3).tolist() if blocks else []
    nodes, inputs = digest.nodes, digest.inputs
    found = [(time, f"{nodes[node][1]}: {inputs[code]}") for time, node, code in table]
    return [f"{format_duration(time)} {text}" for time, text in sorted([*found, *heard.requests], key=lambda one: one[0])]


def first_difference(mine: Sequence[str], theirs: Sequence[str]) -> str:
    """The first event that differs, in words."""
    for number, (one, other) in enumerate(zip(mine, theirs, strict=False), 1):
        if one != other:
            return f"event {number} is {one!r} here and {other!r} there"
    if len(mine) != len(theirs):
        longer, where = (mine, "here") if len(mine) > len(theirs) else (theirs, "there")
        return f"event {min(len(mine), len(theirs)) + 1} is {longer[min(len(mine), len(theirs))]!r}, only {where}"
    return "the same events, but the workflows' results differ"


def _elsewhere(ground: Ground, schedule: Schedule, seeds: Mapping[int, Plan | None], whole: bool) -> list[str]:
    """In a fresh process: the digests of these seeds, of what happened and what was asked for, or (`whole`) the events of the first."""
    hashes = OTHER_HASHES if os.environ.get("PYTHONHASHSEED") != OTHER_HASHES else str(int(OTHER_HASHES) + 1)
    data = base64.b64encode(pickle.dumps((ground, schedule, seeds, whole)))
    done = subprocess.run(
        [sys.executable, "-c", "from sim.fuzz.guard import answer; answer()"],
        input=data, capture_output=True, check=False, env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the guard's process ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    answered: list[str] = pickle.loads(base64.b64decode(done.stdout.rpartition(b"\n")[2]))
    return answered


def answer() -> None:
    """What the fresh process does: it reads what is asked from standard input. What users' code prints must not be in the way."""
    ground, schedule, seeds, whole = pickle.loads(base64.b64decode(sys.stdin.buffer.read()))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if whole:
        found = events(ground, schedule, *next(iter(seeds.items())))
    else:
        heard = (_Heard(ground, schedule, seed, parent) for seed, parent in seeds.items())
        found = [f"{one.played.digest} {one.asked}" for one in heard]
    out.write(b"\n" + base64.b64encode(pickle.dumps(found)))
    out.close()
