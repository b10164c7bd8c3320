"""A failing run as a test in Python, to be pasted among one's own: it fails as long as the run breaks the promise."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sim.scenario.load import Scenario
from sim.scenario.toml import to_toml
from sim.shrink.result import Shrunk
from sim.shrink.shrinking import named
from sim.shrink.sketch import tables_of


def regression_test(small: Shrunk) -> str:
    """The text of a module with one test. It needs session-sim and pytest, and no other file."""
    tape, name = small.tape, small.broken
    tables = tables_of(Scenario.from_dict(tape.scenario, source="the tape's scenario"))
    modules = tables.pop("modules", {})
    chosen = [f"    {_quoted(label)}: {value:_}," for label, value in tape.deviations.items()]
    deviations = ["DEVIATIONS: dict[str, int] = {", *chosen, "}"] if chosen else ["DEVIATIONS: dict[str, int] = {}"]
    return "\n".join(
        [
            f'"""{name} in the smallest run that was found to break it: {counted(small.deviations.faults, small.deviations.choices)}."""',
            "",
            *(["import tomllib", ""] if modules else []),
            "from sim import Scenario, run",
            "",
            f"SCENARIO = {_block(to_toml(tables))}",
            *(f"{_constant(file)} = {_block(text)}" for file, text in modules.items()),
            *deviations,
            "",
            "",
            f"def test_{name}() -> None:",
            *_loading(modules),
            f'    result = run(scenario, {tape.seed}, deviations=DEVIATIONS, properties=("{name}",))',
            f'    broken = [violation.message for violation in result.verdicts["{name}"].violations]',
            "    assert not broken, broken[0]",
            "",
        ]
    )


def scenario_text(small: Shrunk, whole: str = "") -> str:
    """The smallest scenario as TOML, with what it was shrunk for among its properties.

    The text of its workflow modules, which is long, is left out unless `whole` is ""; then a comment says so, and that `whole`.
    """
    tables = {**tables_of(Scenario.from_dict(small.tape.scenario, source="the tape's scenario")), **named(small.broken)}
    if not whole or "modules" not in tables:
        return to_toml(tables)
    return f"# To be run it needs {' and '.join(tables.pop('modules'))} beside it: {whole}.\n{to_toml(tables)}"


def _loading(modules: Mapping[str, str]) -> list[str]:
    if not modules:
        return ["    scenario = Scenario.parse(SCENARIO)"]
    texts = ", ".join(f"{_quoted(file)}: {_constant(file)}" for file in modules)
    return ["    scenario = Scenario.from_dict({**tomllib.loads(SCENARIO), " + f'"modules": {{{texts}}}' + "})"]


def _constant(file: str) -> str:
    """The name of the constant that holds a file's text."""
    return re.sub(r"\W", "_", file.removesuffix(".py")).upper()


def counted(faults: int, choices: int) -> str:
    """The deviations in words: "1 fault, 2 unusual choices"."""
    parts = [f"{faults} fault{'' if faults == 1 else 's'}"]
    if choices:
        parts.append(f"{choices} unusual choice{'' if choices == 1 else 's'}")
    return ", ".join(parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _block(text: str) -> str:
    """Text of several lines as Python: as it stands if it can, else line by line."""
    for quotes in ('"""', "'''"):
        if quotes not in text and "\\" not in text and not text.endswith(quotes[0]):
            # A backslash would join the first line to the quotes; a text file begins without an empty line.
            return f"{quotes}\\\n{text}{quotes}"
    lines = "\n".join(f"    {line!r}" for line in text.splitlines(keepends=True))
    return f"(\n{lines}\n)"


__all__ = ["counted", "regression_test", "scenario_text"]
