"""Makes studies again: `python -m tools.studies slots heartbeats`; without names all of them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.studies import contention, heartbeats, host_sessions, many_sessions, slots

REPORTS: Final = Path(__file__).parents[2] / "reports"
STUDIES: Final[dict[str, tuple[str, Callable[[Path], None]]]] = {
    "slots": ("slots", slots.make),
    "heartbeats": ("heartbeats", heartbeats.make),
    "contention": ("contention", contention.make),
    "host-sessions": ("host-sessions", host_sessions.make),
    "many-sessions": ("many-sessions", many_sessions.make),
}
"""Study -> its folder, and what makes it."""


def main() -> None:
    """Make the studies that were named."""
    parser = argparse.ArgumentParser(prog="python -m tools.studies", description="Makes the studies under reports/ again.")
    parser.add_argument("names", nargs="*", choices=[*STUDIES, []], help="which; all when none is named")
    for name in parser.parse_args().names or STUDIES:
        folder, make = STUDIES[name]
        began = time.process_time()
        make(REPORTS / folder)
        print(f"{name}: {time.process_time() - began:.0f} s of processor time, reports/{folder}", flush=True)


if __name__ == "__main__":
    main()
