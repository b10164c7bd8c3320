"""What is done to a process's machine and network, which a new start of the process finds as it was."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.simulator.places import Clock, Link, Rule


@dataclass(slots=True)
class Standing:
    """`rules`: (whether on the way up to the server, the rule). `clock`: None as long as it is the one it began with."""

    held_up: bool = False
    held_down: bool = False
    rules: list[tuple[bool, Rule]] = field(default_factory=list)
    clock: Clock | None = None

    def hold(self, up: bool, down: bool) -> None:
        """These directions are held."""
        self.held_up |= up
        self.held_down |= down

    def release(self, up: bool, down: bool) -> None:
        """These directions are free again."""
        self.held_up &= not up
        self.held_down &= not down

    def renew(self, up: Link, down: Link) -> None:
        """Put everything on the new connections of a process that starts."""
        up.held, down.held = self.held_up, self.held_down
        for is_up, rule in self.rules:
            (up if is_up else down).rules.append(rule)
