"""Same scenario, same seed: the same bytes, in any process, under any hash seed, on every Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sim import Scenario, run
from tests.models import ROOT

GOLDEN = {
    "file_processing": "f355267c15b4851417b079d2a28badd6",
    "file_processing_crash": "aef866ba5bcf3518f03a20085bfee7d0",
    "contention": "4d15d4d1c2873719ccf09421a5e96214",
    "partition": "4f42568973c20c46c712d0a1216303e8",
    "rolling_deploy": "e13a4de367890f9d9f5bf4fc8c9bf91d",
    "server_outage": "f1055f2e7774a160e53cde538ed06920",
    "host_rolling_deploy": "b748049f1c03dba9a076fe02253837e1",
    "host_zombie": "85b4d9790d150e463c6f339c151dee8f",
}
"""Digests at seed 1. They change with what a run does: then say in the commit why it does."""

CHILD = """
import json, sys
from sim import Scenario, run
print(json.dumps({name: run(Scenario.load(f"scenarios/{name}.toml"), 1).digest for name in sys.argv[1:]}))
"""


@pytest.mark.parametrize("name", GOLDEN)
def test_digest(name: str) -> None:
    assert run(Scenario.load(ROOT / "scenarios" / f"{name}.toml"), 1).digest == GOLDEN[name]


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_other_processes_and_hash_seeds(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, *GOLDEN]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == GOLDEN


def test_properties_and_observers_change_nothing() -> None:
    scenario = Scenario.load(ROOT / "scenarios" / "rolling_deploy.toml")
    assert run(scenario, 1, properties=()).digest == run(scenario, 1, histories=True, full_tape=True).digest
