"""The pytest plugin: tests marked `session_sim` run a scenario under many seeds with faults, and fail with the shortest story.

Nothing of the simulator is imported before a test needs it: a pytest that does not use the plugin loads this file alone.
"""

from __future__ import annotations

import inspect
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.testing.carrying_out import Carrying

MARKER = (
    "session_sim(scenario=None, *, workflow=None, input=None, count=1, workers=None, activities=None, properties=None, runs=None, "
    "seed=None, faults=None, set=()): run a workflow of Temporal's sessions under many seeds with faults; see session-sim's documentation"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command."""
    group = parser.getgroup("session-sim", "tests of workflows under faults (session-sim)")
    group.addoption("--session-sim-runs", type=_at_least(1), metavar="N", help="seeds of each test, instead of what it says (200)")
    group.addoption("--session-sim-seed", type=int, metavar="N", help="the first seed of each test, instead of what it says (1)")
    group.addoption("--session-sim-replay", metavar="TAPE", help="run the failing run on this tape, with the workflow's present code")
    group.addoption("--session-sim-tries", type=_at_least(0), metavar="N", help="runs that shrinking a failing run may take (200); 0: none")


def _at_least(least: int) -> Callable[[str], int]:
    """Reads a number, and refuses a smaller one: a test that nothing was run for would pass."""

    def number(text: str) -> int:
        if not text.strip().lstrip("+-").isdecimal() or int(text) < least:
            raise ArgumentTypeError(f"is {text}; expected a whole number, at least {least}")
        return int(text)

    return number


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def session_run(request: pytest.FixtureRequest) -> None:
    """In a test marked `session_sim`: what one run came to (`sim.properties.account.Account`). The test is called for each run."""
    if request.node.get_closest_marker("session_sim") is None:
        pytest.fail("session_run is for tests with @pytest.mark.session_sim(...): it is what each of their runs came to", pytrace=False)


@pytest.fixture
def session_sim(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A function with the arguments of the marker: runs the campaign, fails the test if something breaks, gives the campaign."""
    return _carrying(request.config, request.node).campaign


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Carry a marked test out."""
    marker = pyfuncitem.get_closest_marker("session_sim")
    if marker is None:
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted if name in pyfuncitem.funcargs}
    _carrying(pyfuncitem.config, pyfuncitem).test(pyfuncitem.obj, arguments, marker.args, marker.kwargs)
    return True


def _carrying(config: pytest.Config, item: pytest.Item) -> Carrying:
    from sim.testing.carrying_out import Carrying

    return Carrying(config, item)
