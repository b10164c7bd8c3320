"""Repairs of promises that sessions break: small changes of the SDK, none of the server. Without one all is as in the Go SDK.

Switched on by `repairs` in a scenario (`WorkerOptions.repairs` in Python); workflow code of the framework finds them in
`Info.repairs`. docs/design/repairs-in-detail.md says what each changes, why, and what it costs; `python -m tools.repairs` what it keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final


class Repair(Enum):
    """One change each, named in small letters in scenarios. The first group changes workflow code, the second workers."""

    FAILURE_NOT_CANCELED = "what a failing session's context ends comes back with ErrSessionFailed instead of CanceledError"
    CLOSED_STAYS_CLOSED = "the watcher looks at the session's state before it makes it Failed"
    WATCHED_TO_THE_END = "the creation activity is awaited when it is cancelled: by the watcher, and by CompleteSession"
    CREATION_TIMER = "a timer of CreationTimeout (10 min when it is 0) bounds CreateSession and RecreateSession as a whole"
    RECREATE_WITHIN_HEARTBEAT = "RecreateSession waits for its worker no longer than the heartbeat timeout"
    CREATION_AGAIN = "CreateSession asks again, while CreationTimeout lasts, when a worker is lost before it has signalled"

    SIGNAL_UNTIL_KNOWN = "the creation activity repeats its signal, as the same request, until it knows whether it has arrived"
    SLOT_UNTIL_IDLE = "the creation activity keeps its slot until the session's activities on its worker are over, and ends them"
    HEARTBEATS_GO_ON = "a heartbeat call that fails does not end the session; 0.95 H without a success do"
    STOP_WAITS_FOR_SESSIONS = "a graceful stop lets activities of sessions use WorkerStopTimeout, too"
    CREATION_OUTSIDE_SLOTS = "a recreated session's creation activity gives its activity slot back once it has its token"


Repairs = tuple[Repair, ...]
"""In the order of the class, each at most once: equal choices are the same bytes."""

NEEDS: Final[Mapping[Repair, Repair]] = {Repair.SLOT_UNTIL_IDLE: Repair.WATCHED_TO_THE_END}
"""What a repair does not work without: a slot that waits for work is told of late, so whoever completes has to wait for that."""

WORKFLOW_SIDE: Final = frozenset(
    {
        Repair.FAILURE_NOT_CANCELED, Repair.CLOSED_STAYS_CLOSED, Repair.WATCHED_TO_THE_END, Repair.CREATION_TIMER,
        Repair.RECREATE_WITHIN_HEARTBEAT, Repair.CREATION_AGAIN,
    }
)  # fmt: skip
"""Those that workflow code carries out; all others are the worker's alone."""

UNTOUCHED: Final = frozenset(
    {
        Repair.CLOSED_STAYS_CLOSED, Repair.RECREATE_WITHIN_HEARTBEAT, Repair.SIGNAL_UNTIL_KNOWN, Repair.HEARTBEATS_GO_ON,
        Repair.STOP_WAITS_FOR_SESSIONS, Repair.CREATION_OUTSIDE_SLOTS,
    }
)  # fmt: skip
"""Those with which histories that were made without them still replay: they, and what they need, ask for the same commands in the same
order."""


def repairs_of(names: Iterable[str]) -> Repairs:
    """The repairs of these names, with what they need.

    Raises:
        ValueError: there is no repair of a name; the message lists those that there are.
    """
    chosen = set()
    for name in names:
        if name.upper() not in Repair.__members__ or name != name.lower():
            raise ValueError(f"there is no repair {name!r}; there are {', '.join(r.name.lower() for r in Repair)}")
        chosen.add(Repair[name.upper()])
    chosen |= {NEEDS[repair] for repair in chosen if repair in NEEDS}
    return tuple(repair for repair in Repair if repair in chosen)


ALL: Final[Repairs] = tuple(Repair)
