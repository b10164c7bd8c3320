"""The command `session-sim`: one file per command."""

from __future__ import annotations


def main() -> None:
    """The entry point: run the command line and exit with its code."""
    from sim.cli.app import start

    start()


__all__ = ["main"]
