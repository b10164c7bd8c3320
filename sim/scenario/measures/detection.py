"""How long it takes until a workflow knows that its session's worker is lost, and sessions that fail though theirs is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sim.properties.base import Listener, Setting
from sim.properties.scene import Scene
from sim.properties.things import Outage, Session, State, Worker
from sim.scenario.measures.base import SECOND, Measure, mean_s, quantile_s
from sim.workflow import seen


class Detection(Measure):
    """A worker is lost when its process ends, when it begins to stop, or when it has been out of reach of a healthy server for
    longer than the session's heartbeat timeout; the delay counts from the beginning of that. A failure without is a false one,
    unless the session's ExecutionTimeout has passed. If a worker is still out of reach when its session fails, how long that
    goes on decides, as it does for the property no_false_alarm.
    """

    columns: ClassVar = (
        "losses_detected", "detection_mean_s", "detection_p50_s", "detection_p90_s", "detection_max_s", "false_failures",
        "detection_delays_s",
    )  # fmt: skip

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._delays: list[int] = []
        self._false = 0

    def listeners(self) -> Mapping[type, Listener]:
        """What is seen."""
        return {seen.SessionStateChanged: self._changed}

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        if o.after != State.FAILED.value or session is None or session.worker is None or time >= session.execution_ends:
            return
        worker = session.worker
        since = lost_since(worker, session, time)
        if since is not None:
            self._delays.append(time - since)
        elif worker.place.outage is None:
            self._false += 1
        else:
            worker.place.outage.when_over.append(lambda outage: self._over(outage, session, time))

    def _over(self, outage: Outage, session: Session, failed_at: int) -> None:
        """The outage in which the session failed is over, or (`until` None) the run is: then it may have lasted for ever."""
        if outage.until is None or outage.longer_than(session.effective_heartbeat, outage.until):
            self._delays.append(failed_at - outage.since)
        else:
            self._false += 1

    def values(self, end: int) -> dict[str, Any]:
        """The figures."""
        p50, p90, most = (quantile_s(self._delays, n) for n in (500, 900, 1000))
        return {
            "losses_detected": len(self._delays),
            "detection_mean_s": mean_s(self._delays),
            "detection_p50_s": p50,
            "detection_p90_s": p90,
            "detection_max_s": most,
            "false_failures": self._false,
            "detection_delays_s": [delay / SECOND for delay in self._delays],
        }


def lost_since(worker: Worker, session: Session, now: int) -> int | None:
    """Since when the session's worker is lost, by now; None when it is not. Of several reasons the first counts."""
    times = [worker.place.gone_at, worker.stopping_at]
    heartbeat = session.effective_heartbeat
    times += [outage.since for outage in worker.outages(session.created_at) if outage.longer_than(heartbeat, now)]
    return min((time for time in times if time is not None), default=None)
