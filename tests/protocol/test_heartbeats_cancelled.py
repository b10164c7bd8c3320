"""What a user's activity kept of its heartbeats is not sent once its context is cancelled: such a call fails at once (P3.6.8)."""

from __future__ import annotations

import pytest

from sim.protocol import messages as msg
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun


def _heartbeats(monkeypatch: pytest.MonkeyPatch, **work: object) -> list[float]:
    """When the server has heartbeats of an activity that beats every 0.4 s, with windows of 1.6 s, seconds; its workflow is
    cancelled at 5 s."""
    scenario = Scenario.from_dict(
        {
            "name": "beats",
            "workers": [{"name": "A"}],
            "workflows": [
                {
                    "id": "w",
                    "program": [
                        {
                            "op": "act",
                            "work": {"name": "a", "beat_ms": 400, **work},
                            "stc": "20s",
                            "hb": "2s",
                            "wait_for_cancellation": True,
                        }
                    ],
                    "arrival": {"at": ["1s"]},
                }
            ],
            "faults": [{"kind": "cancel", "target": "w", "at": "5s"}],
        }
    )
    prepared = PreparedRun(scenario, 1, properties=())
    beats: list[float] = []
    start = prepared.sim.handle

    def counted(seat, event):  # type: ignore[no-untyped-def]
        if isinstance(getattr(event, "message", None), msg.RecordActivityTaskHeartbeat):
            beats.append(round(prepared.sim.now / 1e6, 1))
        start(seat, event)

    monkeypatch.setattr(prepared.sim, "handle", counted)
    prepared.run()
    return beats


def test_nothing_more_is_sent_after_the_answer_that_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deaf activity works on, and keeps what it beats, for 8 s: nobody hears of it."""
    assert _heartbeats(monkeypatch, ms=8000) == [1.4, 3.0, 4.6, 6.2]


def test_nor_before_its_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _heartbeats(monkeypatch, ms=8000, fail="retryable") == [1.4, 3.0, 4.6, 6.2]
    # Without a cancellation an error is told after what was kept.
    assert _heartbeats(monkeypatch, ms=2700, fail="non_retryable") == [1.4, 3.0, 3.7]
