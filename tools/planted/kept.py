"""What was measured of each bug, kept in a file: a long measurement goes on where it stopped, and a page is of one state of the code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from sim.shrink.measure import Deviations
from tools.planted.least import Least
from tools.planted.search import Found, Small

ROOT: Final = Path(__file__).parents[2]
CAMPAIGNS: Final = (
    "sim/model", "sim/history", "sim/workflow", "sim/protocol", "sim/simulator", "sim/faults", "sim/properties", "sim/scenario",
    "sim/fuzz", "sim/shrink", "tools/planted/bugs.py", "tools/planted/search.py", "tools/planted/signs.py", "tools/planted/versions.py",
    "tools/planted/orchard.toml", "tools/planted/versions.toml",
)  # fmt: skip
"""Code that decides what campaigns find and what shrinking leaves."""
CHECKS: Final = (*CAMPAIGNS, "sim/checker", "sim/trace", "tools/planted/least.py", "tools/planted_checked.py")
"""Code that decides what checks find."""


def state_of(places: Iterable[str]) -> str:
    """A digest of these files and folders of code."""
    total = blake2b(digest_size=6)
    for place in places:
        top = ROOT / place
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            total.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


class Campaigns(Struct, frozen=True):
    """Of one bug. `found`: by kind of schedule, a campaign each; `small`: what is left of the first, if it found anything."""

    state: str
    runs: int
    found: dict[str, list[Found]]
    small: Small | None


class Check(Struct, frozen=True):
    """What a bug needs at least."""

    state: str
    faults: int | None
    choices: int
    steps: int
    why: str

    @property
    def least(self) -> Least:
        """The same, in its own words."""
        return Least(Deviations(self.faults, self.choices) if self.faults is not None else None, self.steps, self.why)

    @classmethod
    def of(cls, state: str, least: Least) -> Check:
        """To keep it."""
        needs = least.deviations
        return cls(state, needs.faults if needs else None, needs.choices if needs else 0, least.steps, least.why)


class Kept(Struct):
    """By the names of bugs."""

    campaigns: dict[str, Campaigns] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Whole, or not at all; a line for each."""
        tables = {"campaigns": self.campaigns, "checks": self.checks}
        parts = [f'"{name}": {{\n{_lines(rows)}\n}}' for name, rows in tables.items()]
        part = file.with_suffix(".part")
        part.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
        part.replace(file)


def _lines(rows: Mapping[str, Struct]) -> str:
    return ",\n".join(f' "{name}": {msgspec.json.encode(row).decode()}' for name, row in sorted(rows.items()))


def read(file: Path) -> Kept:
    """What was kept there; nothing, if there is no such file."""
    return msgspec.json.decode(file.read_bytes(), type=Kept) if file.exists() else Kept()
