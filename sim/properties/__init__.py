"""What the session framework promises, one promise a file: the sentence, where it stands, and an observer that decides it.

`ALL` has them by name, `Judge` watches a run for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from sim.properties import (
    activity_failure_keeps_session,
    activity_needs_slot,
    closed_is_final,
    complete_is_safe,
    creation_queue,
    failure_is_failure,
    one_binding,
    open_session_refused,
    recreate_same_worker,
    same_worker,
    slot_limit,
    token_conservation,
)
from sim.properties import judge as _judge
from sim.properties.base import Property, Setting, Verdict, VerdictKind, Violation

ALL: dict[str, Property] = {
    module.PROPERTY.name: module.PROPERTY
    for module in (
        slot_limit,
        token_conservation,
        same_worker,
        recreate_same_worker,
        one_binding,
        activity_needs_slot,
        failure_is_failure,
        activity_failure_keeps_session,
        closed_is_final,
        complete_is_safe,
        open_session_refused,
        creation_queue,
    )
}
"""Every property by name, in the order of the documentation's table."""


class Judge(_judge.Judge):
    """Watches one run. `names`: which properties; None: all. Raises KeyError with what there is for an unknown name."""

    def __init__(self, setting: Setting | None = None, names: Iterable[str] | None = None) -> None:
        wanted = list(ALL) if names is None else list(names)
        unknown = [name for name in wanted if name not in ALL]
        if unknown:
            raise KeyError(f"no property {', '.join(unknown)}; there are: {', '.join(ALL)}")
        super().__init__(setting, [ALL[name] for name in wanted])


__all__ = ["ALL", "Judge", "Property", "Setting", "Verdict", "VerdictKind", "Violation"]
