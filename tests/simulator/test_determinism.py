"""Same system, same seed: the same run, in any process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.models import ROOT, SYSTEMS, build, digests, simulated

GOLDEN = {
    "two_phase_commit": "e9135ea61b09b6ee61567bf2dc3a0d10",
    "alternating_bit": "0526966eb37f43ae94df41ca56c8786b",
    "lease_lock": "15cec538b52a38a1996de061b92cc24c",
}
"""Digests of the runs under seed 0. They change with what a run does: then say in the commit why it does."""

CHILD = "import json; from tests.models import digests; print(json.dumps(digests()))"


def test_the_same_under_any_hash_seed() -> None:
    expected = digests()
    children = []
    for hash_seed in ("0", "1", "4242"):
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        children.append(subprocess.Popen([sys.executable, "-c", CHILD], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True))
    for child in children:
        output, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        assert json.loads(output) == expected


@pytest.mark.parametrize("name", SYSTEMS)
def test_golden_digests(name: str) -> None:
    assert digests([0])[name] == [GOLDEN[name]]


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_order_in_which_nodes_are_added_shows_in_the_digest_only(name: str) -> None:
    system = build(name)
    forward = simulated(system, 1)
    backward = type(forward)(1, forward._delays)
    for node in sorted(system.world.nodes, reverse=True):
        kind = type(system.world.nodes[node])
        backward.add(node, kind.restored(system.world.nodes[node].snapshot()), node)
    forward.run()
    backward.run()
    assert forward.log == backward.log


def test_a_run_in_pieces_is_the_same_run() -> None:
    for name in SYSTEMS:
        whole, pieces = simulated(build(name), 2), simulated(build(name), 2)
        whole.run()
        for until in range(0, 3_000_000, 7_777):
            pieces.run(until=until)
            assert pieces.now <= until
        pieces.run()
        assert pieces.log == whole.log
        assert pieces.digest.hexdigest() == whole.digest.hexdigest()
