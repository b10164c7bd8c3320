"""Which versions there are: of this program, and of what it models."""

from __future__ import annotations

from importlib import metadata
from typing import Final

from sim.workflow.sdk import DEFAULT_SDK_VERSION as SDK

__all__ = ["SDK", "SDK_CHANGES", "SERVER", "program", "text"]

SERVER: Final = "1.32.1"
"""The Temporal server that is modelled."""

SDK_CHANGES: Final = ("1.14", "1.31", "1.35", "1.37", "1.41.1", "1.42", "1.47")
"""Versions of the Go SDK in which sessions changed; a version in between behaves like the last one before it."""


def program() -> str:
    """The version of this program; "unknown" when it is not installed."""
    try:
        return metadata.version("session-sim")
    except metadata.PackageNotFoundError:
        return "unknown"


def text() -> str:
    """What `--version` prints."""
    return (
        f"session-sim {program()}\n"
        f"models Temporal server {SERVER} and the Go SDK {SDK} (sdk_version selects the behaviour of any other;\n"
        f"sessions changed in {', '.join(SDK_CHANGES)})"
    )
