"""Reading an incident: the sessions in recorded histories of any workflow, what became of them, and what was promised.

from sim import audit

result = audit("histories/", slots=2)
for session in result.sessions:
    print(session.name, session.end, result.cause(session))
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from sim.audit.auditing import audit, audit_histories
from sim.audit.result import AuditResult
from sim.audit.sessions import End, Session

__all__ = ["AuditResult", "End", "Session", "audit", "audit_histories"]


class _Package(ModuleType):
    """`from sim import audit` may give this package, as importing any part of it binds its name; so it can be called."""

    def __call__(self, paths: str | Path | Iterable[str | Path], slots: int | None = None) -> AuditResult:
        return audit(paths, slots)


sys.modules[__name__].__class__ = _Package
