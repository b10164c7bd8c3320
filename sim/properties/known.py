"""Which promises the real protocol is known not to keep: whoever finds one broken has found nothing new by that."""

from __future__ import annotations

from typing import Final

KNOWN_BROKEN: Final[dict[str, tuple[str, str]]] = {
    "one_binding": ("P2.4f", "the answer to the signal is lost, and the creation activity moves to another worker"),
    "activity_needs_slot": ("P3.6.6", "nothing ties activities to the slot: they work on when the creation activity has ended"),
    "exclusive_work": ("P2.4g", "what a session left behind works on beside the activities of the next"),
    "failure_propagation": ("P4.5.8", "the task that would tell the workflow waits for a worker that is lost"),
    "failure_is_seen": ("P1.5.6", "CompleteSession ends in Closed, whatever became of its activity"),
    "failure_is_failure": ("P1.4.8", "activities in flight end with CanceledError, and the workflow returns it"),
    "no_false_alarm": ("P3.6.5", "one heartbeat call that uses up its budget makes the worker give the session up"),
    "closed_is_final": ("P1.2.11", "the watcher sets Failed without a look at the state"),
    "creation_bounded": ("P2.4b", "CreationTimeout bounds the wait of one attempt only"),
    "creation_returns": ("P1.1.3", "CreationTimeout is not validated, and without it nothing bounds the wait"),
    "creation_uses_free_slots": ("P2.4c", "a heartbeat timeout of the creation activity is not retried, although others idle"),
    "completion_frees_slot": ("P3.9", "while a call of the creation activity lasts, it looks at nothing else"),
    "session_activities_start": ("P3.4.6", "a recreated session's creation activity occupies a slot for activities; pollers back off"),
    "no_orphan_activity": ("P4.6.8", "a token outlives its worker, and its queue is polled by nobody"),
    "graceful_stop_waits": ("P3.8.1", "a graceful stop waits for normal activities only"),
    "execution_timeout_is_total": ("P3.6.6", "an activity that sends no heartbeats runs to its end"),
}
"""Property -> the section of docs/PROTOCOL.md that explains it, and how it breaks; docs/PROPERTIES.md has a scenario for each."""
