"""A failing run as a test in Python, to be pasted among one's own: it fails as long as the run breaks the promise."""

from __future__ import annotations

from sim.scenario.load import Scenario
from sim.scenario.toml import to_toml
from sim.shrink.result import Shrunk
from sim.shrink.sketch import tables_of


def regression_test(small: Shrunk) -> str:
    """The text of a module with one test. It needs session-sim and pytest, and no other file."""
    tape, name = small.tape, small.broken
    scenario = to_toml(tables_of(Scenario.from_dict(tape.scenario, source="the tape's scenario")))
    chosen = [f"    {_quoted(label)}: {value:_}," for label, value in tape.deviations.items()]
    deviations = ["DEVIATIONS: dict[str, int] = {", *chosen, "}"] if chosen else ["DEVIATIONS: dict[str, int] = {}"]
    return "\n".join(
        [
            f'"""{name} in the smallest run that was found to break it: {counted(small.deviations.faults, small.deviations.choices)}."""',
            "",
            "from sim import Scenario, run",
            "",
            f"SCENARIO = {_block(scenario)}",
            *deviations,
            "",
            "",
            f"def test_{name}() -> None:",
            f'    result = run(Scenario.parse(SCENARIO), {tape.seed}, deviations=DEVIATIONS, properties=("{name}",))',
            f'    broken = [violation.message for violation in result.verdicts["{name}"].violations]',
            "    assert not broken, broken[0]",
            "",
        ]
    )


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
    if '"""' not in text and "\\" not in text:
        return f'"""\n{text}"""'
    lines = "\n".join(f"    {line!r}" for line in text.splitlines(keepends=True))
    return f"(\n{lines}\n)"


__all__ = ["counted", "regression_test"]
