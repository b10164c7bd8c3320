"""The command `session-sim`: one file per command."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point: run the command line and exit with its code."""
    try:
        from sim.cli.app import start
        from sim.model.garbage import not_collected_at_the_end

        not_collected_at_the_end()
        start()
    except KeyboardInterrupt:
        # While the program was still being loaded; what a command does has its own answer.
        print("interrupted", file=sys.stderr)
        sys.exit(130)


__all__ = ["main"]
