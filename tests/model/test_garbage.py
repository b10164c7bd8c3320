"""When Python's collector looks at what, and that nothing is lost by it."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from sim.model.garbage import NEVER, WITH_TABLES, kept, not_collected_at_the_end, seldom_collected

LEFT_IN_A_CYCLE = """
import gc
from sim.model.garbage import not_collected_at_the_end

class Ring:
    def __init__(self):
        self.me = self
    def __del__(self):
        print("looked for cycles")

{}
gc.disable()
Ring()
"""


class Ring:
    def __init__(self) -> None:
        self.me = self


def test_what_was_set_comes_back() -> None:
    before = gc.get_threshold()

    def fail() -> None:
        with seldom_collected((50_000, 4, 2)):
            assert gc.get_threshold() == (50_000, 4, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert gc.get_threshold() == before


def test_who_waits_longer_goes_on_to() -> None:
    with seldom_collected(WITH_TABLES):
        with seldom_collected((50_000, 4, 2)):
            assert gc.get_threshold() == (100_000, NEVER, NEVER)
        assert gc.get_threshold() == (100_000, NEVER, NEVER)
    with seldom_collected((50_000, 4, 2)), seldom_collected(WITH_TABLES):
        assert gc.get_threshold() == (100_000, NEVER, NEVER)


def test_a_collector_that_is_turned_off_stays_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with seldom_collected(WITH_TABLES):
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)


def test_what_was_kept_is_not_looked_at_when_that_is_over_and_not_lost_either() -> None:
    collected: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"]:
            collected.append(info["generation"])

    gc.collect()
    with kept():
        alive = [[i] for i in range(300_000)]
        ring = weakref.ref(Ring())
        gc.callbacks.append(note)
    try:
        later = [[i] for i in range(2_000)]
        assert collected == []
    finally:
        gc.callbacks.remove(note)
    assert gc.get_freeze_count() == 0
    assert len(alive) + len(later) == 302_000
    gc.collect()
    assert ring() is None


@pytest.mark.parametrize(("call", "said"), [("", "looked for cycles\n"), (f"{not_collected_at_the_end.__name__}()", "")])
def test_a_process_ends_without_a_last_look(call: str, said: str) -> None:
    script = LEFT_IN_A_CYCLE.format(call)
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == said
