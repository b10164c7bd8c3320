"""The guard of determinism: runs of a campaign once more, in a fresh Python with another PYTHONHASHSEED.

A run must be the same there. When it is not, something in it depends on the order of a set, on the hash of a text or on where
an object lies in memory, and the first event that differs says where to look.
"""

from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from sim.faults.nemesis import Plan
from sim.fuzz.corpus import Corpus
from sim.fuzz.result import Guarded
from sim.fuzz.schedulers import Schedule
from sim.fuzz.subject import play
from sim.model.durations import format_duration
from sim.scenario.fuzzing import Ground
from sim.simulator.digest import Digest

OTHER_HASHES: Final = "4242"
"""The PYTHONHASHSEED of the fresh process; a process that has this one already uses the next."""


def check(ground: Ground, digests: Mapping[int, str], schedule: Schedule, corpus: Corpus | None = None) -> Guarded:
    """Run these seeds again in a fresh process, and compare their digests.

    Raises:
        RuntimeError: the process failed; the message has what it said.
    """
    if not digests:
        return Guarded()
    seeds = tuple(digests)
    parents = {seed: corpus.parent(seed) if corpus is not None else None for seed in seeds}
    found = dict(zip(seeds, _elsewhere(ground, schedule, parents, False), strict=True))
    differing = tuple(seed for seed in seeds if found[seed] != digests[seed])
    difference = ""
    if differing:
        one = differing[0]
        theirs = _elsewhere(ground, schedule, {one: parents[one]}, True)
        difference = f"seed {one}: {first_difference(events(ground, schedule, one, parents[one]), theirs)}"
    return Guarded(seeds, differing, difference)


def events(ground: Ground, schedule: Schedule, seed: int, parent: Plan | None = None) -> list[str]:
    """Everything that happened in a run, a line each: when, at which node, what."""
    digest: Digest = play(ground, seed, schedule, parent=parent).prepared.sim.digest
    blocks = digest.blocks or []
    if not blocks:
        return []
    table = np.concatenate([np.frombuffer(block, dtype=np.int64) for block in blocks]).reshape(-1, 3)
    nodes, inputs = digest.nodes, digest.inputs
    return [f"{format_duration(time)} {nodes[node][1]}: {inputs[code]}" for time, node, code in table.tolist()]


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
    """In a fresh process: the digests of these seeds, or (`whole`) the events of the first."""
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
        found = [play(ground, seed, schedule, parent=parent).digest for seed, parent in seeds.items()]
    out.write(b"\n" + base64.b64encode(pickle.dumps(found)))
    out.close()
