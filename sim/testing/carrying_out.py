"""Carries a pytest test out: from its marker to a campaign, and from what that finds to the message."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sim.protocol.worker.work import UnknownActivityError
from sim.scenario.load import Scenario
from sim.scenario.problems import ScenarioError
from sim.testing import failing
from sim.testing.campaign import Broken, Campaign, campaign, judged, undisturbed
from sim.testing.subject import DEFAULT, Subject, WrongTest, subject_of
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

        properties = [*(more.get("properties") if more.get("properties") is not None else DEFAULT), looks]
        self.campaign(*said, **{**more, "properties": properties})

    def campaign(self, *said: Any, **more: Any) -> Campaign:
        """Run the campaign that these arguments of the marker say. Fails the test if something breaks."""
        __tracebackhide__ = True
        try:
            subject = subject_of(self.item.path.parent, self.item.name, *said, **more)
            if self.config.getoption("session_sim_replay"):
                return self._replay(subject, Path(self.config.getoption("session_sim_replay")))
            found = campaign(subject, self.config.getoption("session_sim_runs"), self.config.getoption("session_sim_seed"))
        except (WrongTest, ScenarioError, NotModelledError, TapeError, UnknownActivityError, TypeError) as error:
            if isinstance(error, TypeError) and "subject_of" not in str(error):
                raise
            self._fail(str(error).replace("subject_of()", "session_sim"))
        if found.broken is not None:
            self._report(found.broken, found.runs)
        return found

    def _replay(self, subject: Subject, path: Path) -> Campaign:
        """Run the tape's run with the present code."""
        tape = read(path)
        tables = dict(tape.scenario)
        modules = {name: subject.scenario.model.modules.get(name, text) for name, text in tables.get("modules", {}).items()}
        changed = [name for name, text in modules.items() if text != tape.scenario["modules"][name]]
        scenario = Scenario.from_dict({**tables, "modules": modules, "expect": {}}, source=f"the scenario of {path}")
        with undisturbed():
            broken = judged(scenario, tape.seed, subject.properties, deviations=tape.deviations)
            if broken is not None:
                since = f"; changed since then: {', '.join(changed)}" if changed else ""
                self._report(broken, 1, tries=0, replayed=f"those on the tape {path}{since}")
        return Campaign(1, {}, None)

    def _report(self, broken: Broken, runs: int, tries: int | None = None, replayed: str = "") -> NoReturn:
        """Fail the test with all there is to say."""
        __tracebackhide__ = True
        shown = self.config.rootpath
        if broken.property is None:
            self._fail(failing.text_of_error(broken, runs, self._folder(), shown))
        if tries is None:
            asked = self.config.getoption("session_sim_tries")
            tries = failing.TRIES if asked is None else asked
        with undisturbed():
            found = failing.examined(broken, self._folder(), tries)
        self._fail(failing.text(found, self.item.nodeid, broken.seed, runs, replayed or broken.faults, shown))

    def _folder(self) -> Path:
        """Where the files of this test go: a folder of its own, which the next failure overwrites."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.item.name)[:60].strip("-")
        own = f"{name}-{blake2b(self.item.nodeid.encode(), digest_size=4).hexdigest()}"
        cache = self.config.cache if self.config.pluginmanager.hasplugin("cacheprovider") else None
        return (cache.mkdir("session-sim") if cache is not None else self.config.rootpath / ".session-sim") / own

    def _fail(self, message: str) -> NoReturn:
        __tracebackhide__ = True
        pytest.fail(message, pytrace=False)
