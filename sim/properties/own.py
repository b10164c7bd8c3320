"""Properties of one's own: a plain function that looks at what a run came to, or an observer like those of this package.

    from sim.properties.own import check

    @check
    def every_file_is_uploaded_once(run):
        '''Every file is uploaded once, whatever happens.'''
        for upload in run.activities("upload"):
            assert run.completions("upload", upload.argument) <= 1, f"{upload.argument} was uploaded again"

A function is called when the run is over. It says no by an assertion that fails, by False, or by a text that says what is
wrong. Whoever wants the moment of a violation, or judges while the run goes on, makes a `Property` with an `Observer`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sim.history.events import Wrote
from sim.properties import KNOWN
from sim.properties.account import Account
from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs

Judgement = Callable[[Account], Any]


def check(function: Judgement) -> Property:
    """The property that a function decides. Its name is the function's; its sentence the first paragraph of the docstring."""
    name = getattr(function, "__name__", "check")
    words = " ".join((function.__doc__ or "").strip().partition("\n\n")[0].split())
    return Property(
        name=name,
        sentence=words or f"{name.replace('_', ' ')}.",
        source="a check of your own",
        needs=(obs.WorkflowStarted, obs.WorkflowClosed, Wrote, obs.AttemptBegan, obs.AttemptEnded, obs.ActivityClosed),
        observer=type("_Check", (_Observer,), {"function": staticmethod(function)}),
    )


class _Observer(Observer):
    """Keeps an account, and shows it to the function in the end."""

    function: Judgement

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self.account = Account()

    def listeners(self) -> Mapping[type, Listener]:
        return self.account.listeners()

    def finish(self, time: int) -> None:
        self.exercised = 1
        self.account.ended_us = time
        try:
            answer = self.function(self.account)
        except Exception as error:
            words = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            self.violated(time, words.strip() or "an assertion failed")
            return
        if answer is False or isinstance(answer, str):
            self.violated(time, answer or "the check says False")


@contextmanager
def named(properties: Collection[Property], *, instead: bool = False) -> Iterator[None]:
    """Let these be known by their names meanwhile, to whatever takes names of properties: shrinking, scenarios, tapes.

    Args:
        properties: what is to be known.
        instead: whether they may stand in for others of the same name.

    Raises:
        ValueError: a name is taken by another, and nothing may stand in for it.
    """
    before = {one.name: KNOWN.get(one.name) for one in properties}
    try:
        for one in properties:
            if not instead and KNOWN.setdefault(one.name, one) is not one:
                raise ValueError(f"there is a property {one.name!r} already; give yours another name")
            KNOWN[one.name] = one
        yield
    finally:
        for name, other in before.items():
            if other is None:
                KNOWN.pop(name, None)
            else:
                KNOWN[name] = other
