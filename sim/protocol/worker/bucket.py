"""The token bucket: what really limits sessions (P3.4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """`free` of `size` tokens are free. A closed bucket wakes who waits, and gives nothing."""

    size: int
    free: int
    closed: bool = False

    def take(self) -> bool:
        """Take a token if there is one."""
        if self.free <= 0:
            return False
        self.free -= 1
        return True

    def give_back(self) -> None:
        self.free += 1
