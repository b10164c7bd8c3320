"""Workflow code that goes by the order of a set fails its test, and is told which line it may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.testing.campaign import campaign
from sim.testing.order import sets_in
from sim.testing.subject import Subject, subject_of

CODE = """
from sim import workflow

async def shards(ctx, argument):
    ctx = workflow.with_activity_options(ctx, workflow.ActivityOptions(start_to_close_timeout=workflow.minutes(5)))
    for name in {order}({{'cat', 'dog', 'emu', 'fox', 'gnu', 'hen', 'ibis', 'jay'}}):
        await workflow.execute_activity(ctx, "work", name).get(ctx)
"""


def subject(folder: Path, order: str) -> Subject:
    (folder / "flows.py").write_text(CODE.format(order=order), "utf-8")
    work = {"duration": "1s"}
    return subject_of(folder, "shards", workflow="flows.py:shards", activities={"work": work}, properties=["same_worker"], runs=1)


def test_the_order_of_a_set_fails_the_test(tmp_path: Path) -> None:
    broken = campaign(subject(tmp_path, "list")).broken
    assert broken is not None
    assert broken.promise is None
    assert broken.error.startswith("another process does something else (seed 1: event ")
    assert "asks for work('" in broken.error
    assert broken.error.endswith("sorted(...) gives it one: flows.py, line 6")


def test_a_sorted_set_does_not(tmp_path: Path) -> None:
    assert campaign(subject(tmp_path, "sorted")).broken is None


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("for one in {1, 2}:\n    pass", [1]),
        ("x = 1\ny = list(set([x]) - {n for n in (1, 2)})", [2]),
        ("frozenset('ab')\nprint({1: 2})", [1]),
        ("if x in {1, 2} and y not in set('ab'):\n    pass", []),
        ("kinds: set[str]\nx.set(3)", []),
    ],
)
def test_where_there_are_sets(code: str, lines: list[int]) -> None:
    assert list(sets_in({"flows.py": code})) == [f"flows.py, line {line}" for line in lines]
