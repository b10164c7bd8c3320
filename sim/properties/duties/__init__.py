"""What workflow code owes: duties of users' own code, one a file, decided by observers like the promises of the framework.

A promise is broken by the protocol, whatever the workflow; a duty by a workflow's author. A run judges them when they are
named (`[properties] enable`, `run(properties=...)`), tests of workflows judge them always.
"""

from __future__ import annotations

from sim.properties.base import Property
from sim.properties.duties import (
    cancel_is_obeyed,
    cancelled_context_unused,
    session_is_completed,
    workflow_task_succeeds,
)

DUTIES: dict[str, Property] = {
    module.PROPERTY.name: module.PROPERTY
    for module in (session_is_completed, cancel_is_obeyed, cancelled_context_unused, workflow_task_succeeds)
}
"""Every duty by name."""

__all__ = ["DUTIES"]
