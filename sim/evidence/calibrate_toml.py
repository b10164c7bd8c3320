"""A calibration as a TOML file: laws with a comment each that says how they were found."""

from __future__ import annotations

import json
from typing import Any, Final

from sim.evidence.calibrate import Calibration
from sim.evidence.calibrate_laws import Fitted

WIDTH: Final = 130

HEAD: Final = """\
# Latencies that session-sim calibrate learned from recordings. Use it in any scenario: latencies = "FILE" in the scenario, or
# session-sim run SCENARIO --set latencies=FILE. What the scenario says itself wins.
"""


def to_toml(calibration: Calibration) -> str:
    """The text of the file; the same calibration gives the same bytes."""
    logs = "with the workers' logs" if calibration.with_log else "without logs of workers: what a history tells is the sum of several steps"
    lines = [HEAD + f"# Learned from {calibration.recordings} recordings, {calibration.histories} histories, {logs}."]
    tables = calibration.to_tables()
    for section, table in tables.items():
        plain = {key: law for key, law in table.items() if not _is_table(section, key)}
        if plain:
            lines += ["", f"[{section}]"]
            for key, law in plain.items():
                lines += _entry(key, law, calibration.fitted.get(key))
        for key in table:
            if _is_table(section, key):
                lines += ["", f"[{section}.{_key(key)}]"]
                for inner, law in table[key].items():
                    name = f"{key}.{inner}" if section == "latencies" else f"{section}.{key}"
                    lines += _entry(inner, law, calibration.fitted.get(name))
    return "\n".join(lines) + "\n"


def _is_table(section: str, key: str) -> bool:
    return section != "latencies" or key in ("request", "response", "handling", "returning", "warming")


def _entry(key: str, law: Any, fitted: Fitted | None) -> list[str]:
    said = []
    if fitted is not None:
        p = "" if fitted.ks_p is None else f", p = {fitted.ks_p:g}"
        said = [f"# {fitted.family}, n = {fitted.n}{p}"]
    return [*said, f"{_key(key)} = {_value(law)}"]


def _key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else json.dumps(key)


def _value(value: Any) -> str:
    """A law as TOML: text, a list over several lines, or an inline table."""
    match value:
        case str():
            return json.dumps(value)
        case bool() | int() | float():
            return json.dumps(value)
        case list():
            return _list([_value(one) for one in value])
        case dict():
            return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
        case _:
            raise TypeError(f"a law cannot hold {value!r}")


def _list(items: list[str]) -> str:
    if sum(map(len, items)) < WIDTH // 2:
        return "[" + ", ".join(items) + "]"
    lines, line = [], " "
    for item in items:
        if len(line) + len(item) + 2 > WIDTH:
            lines.append(line)
            line = " "
        line += f" {item},"
    return "[\n" + "\n".join([*lines, line]) + "\n]"
