"""Carries a pytest test out: from its marker to a campaign, and from what that finds to the message."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sim.scenario.problems import ScenarioError
from sim.testing import failing
from sim.testing.arguments import WrongTest, check_arguments
from sim.testing.campaign import Broken, Campaign, campaign, replayed, undisturbed
from sim.testing.subject import DEFAULT, subject_of
from sim.trace.tape import TapeError, read
from sim.workflow.errors import NotModelledError


class Carrying:
    """One test. Nothing is shared with others, so tests may run in any order and in several processes."""

    def __init__(self, config: pytest.Config, item: pytest.Item) -> None:
        self.config, self.item = config, item

    def test(self, function: Callable[..., Any], arguments: Mapping[str, Any], said: Sequence[Any], more: Mapping[str, Any]) -> None:
        """Run the campaign that the marker says; a function that asks for `session_run` is one of its properties."""
        if "session_run" not in arguments:
            self.campaign(*said, **more)
            function(**arguments)
            return
        rest = {name: value for name, value in arguments.items() if name != "session_run"}

        @functools.wraps(function)
        def looks(account: object) -> object:
            return function(session_run=account, **rest)

        named = more.get("properties")
        self._check(said, more)
        self.campaign(*said, **{**more, "properties": [*(DEFAULT if named is None else named), looks]})

    def campaign(self, *said: Any, **more: Any) -> Campaign:
        """Run the campaign that these arguments of the marker say. Fails the test if something breaks."""
        __tracebackhide__ = True
        self._check(said, more)
        try:
            subject = subject_of(self.item.path.parent, self.item.name, *said, **more)
            if self.config.getoption("session_sim_replay"):
                found = replayed(subject, read(Path(self.config.getoption("session_sim_replay"))))
            else:
                found = campaign(subject, self.config.getoption("session_sim_runs"), self.config.getoption("session_sim_seed"))
        except (WrongTest, ScenarioError, NotModelledError, TapeError) as error:
            wrong = str(error)
        else:
            wrong = ""
        # Outside: nobody wants to read what happened during the handling of what.
        if wrong:
            self._fail(wrong)
        if found.broken is not None:
            self._report(found.broken, found.runs)
        tested = ", ".join(f"{name} {number} times" for name, number in found.exercised.items())
        self.item.add_report_section("call", "session-sim", f"{found.runs} runs; put to the test were {tested}")
        return found

    def _check(self, said: Sequence[Any], more: Mapping[str, Any]) -> None:
        """Fail the test if these are no arguments of the marker."""
        __tracebackhide__ = True
        try:
            check_arguments(said, more)
        except WrongTest as error:
            wrong = str(error)
        else:
            return
        self._fail(wrong)

    def _report(self, broken: Broken, runs: int) -> NoReturn:
        """Fail the test with all there is to say."""
        __tracebackhide__ = True
        shown = self.config.rootpath
        if broken.promise is None:
            self._fail(failing.text_of_error(broken, runs, self._folder(), shown))
        asked, tape = self.config.getoption("session_sim_tries"), self.config.getoption("session_sim_replay")
        tries = 0 if tape else failing.TRIES if asked is None else asked
        with undisturbed():
            found = failing.examined(broken, self._folder(), self.item.nodeid, tries, shown)
        self._fail(failing.text(found, self.item.nodeid, broken.seed, runs, broken.faults, shown))

    def _folder(self) -> Path:
        """Where the files of this test go: a folder of its own, which the next failure overwrites."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.item.name)[:60].strip("-")
        own = f"{name}-{blake2b(self.item.nodeid.encode(), digest_size=4).hexdigest()}"
        cache = self.config.cache if self.config.pluginmanager.hasplugin("cacheprovider") else None
        return (cache.mkdir("session-sim") if cache is not None else self.config.rootpath / ".session-sim") / own

    def _fail(self, message: str) -> NoReturn:
        __tracebackhide__ = True
        pytest.fail(message, pytrace=False)
