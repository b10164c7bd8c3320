"""A creation activity asks the server what it can before it signals (P2.2d)."""

from __future__ import annotations

from sim.protocol import observations as obs
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun


def _ends(asks: bool, sdk: str = "1.48.0") -> list[tuple[str, float]]:
    """How attempts end, and after how many seconds, of a worker that is cut off from the server before it is given one."""
    scenario = Scenario.from_dict(
        {
            "name": "cut off",
            "cluster": {"sdk_version": sdk},
            "workers": [
                {"name": "W", "enable_session_worker": False},
                {"name": "A", "disable_workflow_worker": True, "asks_for_system_info": asks},
            ],
            "workflows": [
                {
                    "id": "w",
                    "program": [{"op": "create", "as": "s", "creation": "60s", "execution": "60s", "heartbeat": "60s"}],
                    "arrival": {"at": ["2s"]},
                }
            ],
            "faults": [{"kind": "partition", "target": "A", "at": "1s", "for": "30s", "direction": "up"}],
        }
    )
    prepared = PreparedRun(scenario, 1, properties=())
    begun: dict[int, int] = {}
    ends = []
    prepared.sim.listen(obs.AttemptBegan, lambda time, node, began: begun.setdefault(began.attempt, time))
    prepared.sim.listen(
        obs.AttemptEnded, lambda time, node, ended: ends.append((ended.outcome, round((time - begun[ended.attempt]) / 1e6, 1)))
    )
    prepared.run()
    return ends[:1]


def test_an_attempt_that_cannot_ask_fails_after_5_s() -> None:
    assert _ends(asks=True) == [("failed: wrapError", 5.0)]


def test_one_that_does_not_ask_tries_to_signal_for_10_s() -> None:
    assert _ends(asks=False) == [("failed: DeadlineExceeded", 10.0)]
    assert _ends(asks=True, sdk="1.14.0") == [("failed: DeadlineExceeded", 10.0)]
