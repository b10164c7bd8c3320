"""A tape: everything that a run needs to happen again, and to be recognised when it does.

A run is a function of its scenario, its seed, and the choices that deviate from what the seed would choose. A tape holds
these three (the scenario whole, so that a tape stands alone), the digest of the run they gave, and a checksum over all of
it. It is JSON for people to read; spaces and line breaks between its values are free, everything else is protected.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
from msgspec import Struct

from sim.model.text import DEEPEST, decoded, parse_json, too_deep

SCHEMA_VERSION: Final = 1
"""The version of the format that this program writes and reads."""

_DIGEST_BYTES: Final = 16


class TapeError(Exception):
    """A file that is no tape of use; the message says which file, what is wrong with it, and what to do."""


class Tape(Struct, frozen=True, kw_only=True):
    """One recorded run.

    `scenario` has to consist of what JSON has: strings, numbers, booleans, None, lists, and dicts with strings as keys.
    """

    scenario: dict[str, Any]
    """The scenario, whole."""
    seed: int
    deviations: dict[str, int]
    """Choices that differ from those of the seed, by label, in natural units (microseconds, or the number of an option)."""
    choices: dict[str, int] | None = None
    """All choices of the run by label, if somebody asked for them."""
    digest: str
    """The digest of the run, hexadecimal."""
    ended_at_us: int
    """When the run ended, microseconds since its start."""
    made_by: str
    """The version of the program that recorded it."""

    @property
    def scenario_digest(self) -> str:
        """What tells scenarios apart: a hash of the scenario's canonical JSON, 32 hexadecimal characters."""
        return hash_of(self.scenario)

    def to_bytes(self) -> bytes:
        """The tape as the bytes of its file. Raises ValueError or TypeError when a value is not JSON."""
        content = {"schema_version": SCHEMA_VERSION, "scenario_digest": self.scenario_digest, **msgspec.structs.asdict(self)}
        text = json.dumps({**content, "checksum": hash_of(content)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        return text.encode("utf-8")

    def write(self, path: Path) -> None:
        """Write the tape, at once or not at all: a reader sees the old file or the new one, whole.

        Raises:
            ValueError: a value is not JSON (NaN, half a surrogate pair).
            TypeError: a value is not JSON (a set, an object).
            OSError: the file cannot be written.
        """
        data = self.to_bytes()
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def is_of_model(tape: Tape) -> bool:
    """Whether a tape is of a model's run (`sim.systems`), and not of a scenario's."""
    return "model" in tape.scenario


def read(path: Path) -> Tape:
    """Read a tape that `Tape.write` wrote.

    Raises:
        TapeError: there is none, or it is not one, or another version's, or damaged; one clear message each.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        _refuse(f"tape {path}", "does not exist; check the name")
    except OSError as error:
        _refuse(f"tape {path}", f"cannot be read ({error.strerror}); check its name and permissions")
    return parse(data, f"tape {path}")


def parse(data: bytes, name: str) -> Tape:
    """The tape that these bytes are. `name`: what messages call it. Raises TapeError like `read`."""
    content = _parsed(data, name)
    version = content.get("schema_version")
    if version != SCHEMA_VERSION or type(version) is not int:
        _refuse(name, f"has the schema version {version!r}, and this program reads {SCHEMA_VERSION}; use the program that wrote the tape")
    names = ["scenario_digest", *Tape.__struct_fields__, "checksum"]
    if missing := [name for name in names if name not in content]:
        _refuse(name, f"lacks {', '.join(missing)}; it is damaged, or was not written by this program: record the run again")
    checksum = content.pop("checksum")
    if checksum != hash_of(content):
        _refuse(name, "does not match its checksum: it was damaged or edited; record the run again")
    if content["scenario_digest"] != hash_of(content["scenario"]):
        _refuse(name, "has a scenario that does not match its digest: one of them was replaced; record the run again")
    try:
        return msgspec.convert({name: content[name] for name in Tape.__struct_fields__}, Tape)
    except msgspec.ValidationError as error:
        _refuse(name, f"has a value of the wrong type ({error}); it was not written by this program")


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    """The JSON object of a tape, or TapeError."""
    try:
        content = parse_json(decoded(data))
    except ValueError as error:
        _refuse(name, f"{error}; it is damaged, or no tape")
    if not isinstance(content, dict):
        _refuse(name, f"holds a JSON {type(content).__name__}, not an object; it is no tape")
    if too_deep(content) is not None:
        _refuse(name, f"is nested more than {DEEPEST} deep; it is damaged, or no tape")
    return content


def hash_of(value: object) -> str:
    """The hash of the canonical JSON of a value: sorted keys, no spaces, ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode("ascii"), digest_size=_DIGEST_BYTES).hexdigest()


def _refuse(name: str, why: str) -> NoReturn:
    raise TapeError(f"{name} {why}") from None
