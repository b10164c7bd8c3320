"""Queries are answered from what the completed workflow tasks made of a run."""

from __future__ import annotations

import pytest

from tests.protocol.clusters import act, cluster, create, done, start


def test_open_sessions_follow_creation_and_completion() -> None:
    made = cluster("A")
    start(made, "w", [create(), act("work", 5_000), {"op": "complete", "in": "s"}, {"op": "sleep", "ms": 5_000}])
    made.sim.run(until=3_000_000)
    (session,) = made.query("w", "__open_sessions")  # type: ignore[misc, has-type]
    assert session == "w/1/s1"
    before = made.sim.digest.hexdigest()
    assert made.query("w", "__open_sessions")
    assert made.sim.digest.hexdigest() == before
    made.sim.run(until=8_000_000)
    assert made.query("w", "__open_sessions") == {}


def test_unknown_workflows_and_queries_are_named() -> None:
    made = cluster("A")
    start(made, "w", [create(), done(), act("work", 5_000)])
    made.sim.run(until=3_000_000)
    with pytest.raises(KeyError, match="'x' is not open; open ones: w"):
        made.query("x", "state")
    with pytest.raises(KeyError, match="state"):
        made.query("w", "state")
