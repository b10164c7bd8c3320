"""A session's slot is kept until what runs under it is over (`Repair.SLOT_UNTIL_IDLE`).

A worker knows which session an activity belongs to: workflow code puts the session's id into the activity's header. So

* an activity of a session that holds no slot here, or no longer, fails at once instead of running;
* a creation activity that is about to end first ends the session's activities on its worker, by cancelling their contexts, and
  waits for them; it heartbeats on meanwhile, so that the server does not take the session for lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sim.history.failures import ApplicationFailure
from sim.model.node import Step
from sim.protocol.worker.pollers import Kind
from sim.workflow.repairs import Repair
from sim.workflow.sessions import FRAMEWORK_ACTIVITIES

if TYPE_CHECKING:
    from sim.protocol.worker.attempts import AttemptOnWorker
    from sim.protocol.worker.node import Worker

OVER: Final = ApplicationFailure("the session is over on this worker", "SessionOver", non_retryable=True)
"""How an activity ends whose session is over here. It would be tried again on this very worker, so it is not."""


def covers(worker: Worker) -> bool:
    """Whether this worker does it."""
    return Repair.SLOT_UNTIL_IDLE in worker.options.repairs


def session_of(attempt: AttemptOnWorker) -> str:
    """The session that a user's activity belongs to; "" for what belongs to none, and for the framework's own."""
    activity = attempt.task.activity
    framework = activity.activity_type in FRAMEWORK_ACTIVITIES
    return "" if framework or attempt.pool is not Kind.RESOURCE else activity.session


def users_of(worker: Worker, session: str) -> Iterator[AttemptOnWorker]:
    """The attempts of the session's activities that have not ended, in a fixed order."""
    return (a for _, a in sorted(worker.attempts.items()) if not a.responding and session_of(a) == session)


def is_refused(attempt: AttemptOnWorker, worker: Worker) -> bool:
    """Whether a user's activity may not begin, since its session holds no slot here."""
    session = session_of(attempt)
    return bool(session) and covers(worker) and not any(a.holds(session) for a in worker.attempts.values())


def user_ended(attempt: AttemptOnWorker, worker: Worker, step: Step) -> None:
    """A user's activity has ended: whoever waits for the last of its session goes on."""
    session = session_of(attempt)
    if session and covers(worker) and next(users_of(worker, session), None) is None:
        for _, other in sorted(worker.attempts.items()):
            other.idle(session, worker, step)
