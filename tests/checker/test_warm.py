"""What a search calls is compiled before it begins, so that its time can be told apart."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

SCRIPT = """
import importlib, pkgutil
from numba.core.dispatcher import Dispatcher
import sim.checker
from sim.checker.checking import Options, check
from sim.checker.warm import warm
{model}

def compiled():
    modules = [importlib.import_module("sim.checker." + module.name) for module in pkgutil.iter_modules(sim.checker.__path__)]
    kernels = [value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)]
    return {{k.py_func.__module__ + "." + k.py_func.__name__: len(k.nopython_signatures) for k in kernels}}

warm(system.world, options.exact)
before = compiled()
result = check(system, options)
after = compiled()
print(result.states, *sorted(name for name in after if after[name] != before[name]))
"""
SESSIONS = """
from sim.scenario.checked import Bounds, system_of
from tools.scopes import Scope

system = system_of(Scope("", (2, 1, 2)).scenario(), Bounds(crashes=1), None)
options = Options(jobs=1)
"""
COMMIT = """
from benchmarks.checker.own import two_phase_commit

system, options = two_phase_commit(7), Options(jobs=1, {words})
"""


@pytest.mark.parametrize(
    ("model", "states"),
    [
        (SESSIONS, 14_712),
        (COMMIT.format(words="symmetry=False"), 296_448),
        (COMMIT.format(words="symmetry=False, exact=True"), 296_448),
        (COMMIT.format(words="symmetry=True"), 920),
    ],
)
def test_nothing_is_compiled_within_a_search(model: str, states: int) -> None:
    # In a process of its own: what another test has compiled would be there already.
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(model=model)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(states)]
