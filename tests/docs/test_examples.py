"""What is shown in a document is executed here, and what a document lists is what there is.

The info string of a fenced block says what becomes of it; blocks of one document share a directory, in order:

    ```toml file=NAME       a whole scenario, or sweep: written to NAME and loaded
    ```toml part            part of one: put into a small scenario and checked
    ```python file=NAME     written to NAME
    ```python run           executed; a following ```text output block is what it prints
    ```console run          every line `$ session-sim ...` or `$ pytest ...` is executed, `# exit 2` says with which code it ends; the lines
                            below it are found in its output in this order; `...` stands for any other lines, or for the
                            rest of a line

With `slow` besides, a block is left to the slow tests.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from sim import Scenario
from sim.cli.app import app
from sim.faults import KINDS
from sim.scenario import schema
from sim.scenario.calls import METHODS
from sim.scenario.measures import GROUPS
from sim.scenario.moments import MOMENTS
from sim.scenario.problems import Problem
from sim.scenario.programs import STEPS, WORK
from sim.sweep import Sweep
from sim.sweep import schema as sweeps
from sim.sweep.columns import wanted

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WRITTEN = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS = [*WRITTEN, *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)

BASE: dict[str, Any] = {
    "workers": [{"name": "w", "count": 2}],
    "activities": {},
    "workflows": [{"id": "job", "program": [{"op": "create", "as": "s", "creation": "1m", "execution": "10m"}]}],
}
"""What a part of a scenario is put into."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, its text."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def file(self) -> str:
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), "")

    @property
    def executed(self) -> bool:
        return bool(self.file) or any(word in ("run", "part") for word in self.words)


def blocks_of(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order."""
    text = document.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, *words = match["info"].split() or [""]
        found.append(Block(language, tuple(words), match["text"], text.count("\n", 0, match.start()) + 1))
    return found


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


SHOWN = [document for document in DOCUMENTS if any(block.executed for block in blocks_of(document))]
SLOW = [document for document in SHOWN if any("slow" in block.words for block in blocks_of(document))]


# -- what is shown is executed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", SHOWN, ids=name_of)
def test_examples(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block that says so does what the document says, but for the slow ones."""
    monkeypatch.chdir(in_repository(tmp_path))
    execute([block for block in blocks_of(document) if "slow" not in block.words], document)


@pytest.mark.slow
@pytest.mark.parametrize("document", SLOW, ids=name_of)
def test_slow_examples(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks, the slow ones too."""
    monkeypatch.chdir(in_repository(tmp_path))
    execute(blocks_of(document), document)


def in_repository(folder: Path) -> Path:
    """A directory in which the recorded cases are found as from the repository's root."""
    (folder / "tests").mkdir()
    (folder / "tests" / "data").symlink_to(ROOT / "tests" / "data")
    return folder


def execute(blocks: list[Block], document: Path) -> None:
    """Carry out the blocks in the current directory."""
    printed = ""
    for block in blocks:
        where = f"{name_of(document)}, line {block.line}"
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
            if block.language == "toml":
                (Sweep if "[[axes]]" in block.text else Scenario).load(path)
        elif "part" in block.words:
            Scenario.from_dict({**BASE, **tomllib.loads(block.text)}, source=where)
        elif block.language == "python" and "run" in block.words:
            printed = run_python(block.text, where)
        elif block.language == "text" and "output" in block.words:
            look_for(block.text.splitlines(), printed, where)
        elif block.language == "console" and "run" in block.words:
            for command, code, lines in commands_of(block.text):
                output = run_command(command, code, where)
                look_for(lines, output, f"{where}: {command}")


def run_python(text: str, where: str) -> str:
    """Execute Python code: what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, where, "exec"), {"__name__": "__main__"})
    return out.getvalue()


def commands_of(text: str) -> Iterator[tuple[str, int, list[str]]]:
    """Commands of a console block: the command, the exit code it should end with, the lines shown below it."""
    found: list[tuple[str, int, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            command, _, comment = line[2:].partition("  #")
            code = re.search(r"\bexit (\d+)", comment)
            found.append((command.strip(), int(code[1]) if code else 0, []))
        elif found:
            found[-1][2].append(line)
    yield from found


def run_command(command: str, code: int, where: str) -> str:
    """Run `session-sim ...` in this process, `pytest ...` in one of its own: everything it prints. A `> FILE` at the end is done here."""
    redirected = re.fullmatch(r"(.+) > ([\w./-]+)", command)
    command, target = redirected.groups() if redirected is not None else (command, "")
    program, *arguments = shlex.split(command)
    if program == "pytest":
        own = [sys.executable, "-m", "pytest", "--rootdir", ".", "-o", "addopts=", "-o", "markers=", *arguments]
        done = subprocess.run(own, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == code, f"{where}: {command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout
    assert program == "session-sim", f"{where}: {program} is no command that is executed here"
    result = CliRunner().invoke(app, arguments, prog_name="session-sim")
    assert result.exit_code == code, f"{where}: {command} ended with {result.exit_code}\n{result.output}\n{result.exception!r}"
    if target:
        Path(target.strip()).write_text(result.stdout, "utf-8")
    return result.output


def look_for(lines: list[str], output: str, where: str) -> None:
    """Every line shown has to be in the output, in this order, but for spaces."""
    rest = [" ".join(line.split()) for line in output.splitlines()]
    for line in lines:
        wanted = " ".join(line.split())
        if wanted in ("", "...", "…"):
            continue
        start = wanted.removesuffix("...") if wanted.endswith(" ...") else None
        found = next((i for i, said in enumerate(rest) if (said == wanted if start is None else said.startswith(start))), None)
        assert found is not None, f"{where}: the output has no line\n  {wanted}\nin\n" + "\n".join(rest)
        rest = rest[found + 1 :]


# -- links -----------------------------------------------------------------------------------------------------------------

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors_of(document: Path) -> set[str]:
    """What a link into a document may name after the #."""
    text = FENCE.sub("", document.read_text("utf-8"))
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#+ +(.+)$", text, re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    """Links to files and to places in them."""
    for target in LINK.findall(FENCE.sub("", document.read_text("utf-8"))):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        path = (document.parent / file).resolve() if file else document
        assert path.exists(), f"{name_of(document)} links to {target}, and there is no such file"
        assert path.is_relative_to(ROOT), f"{name_of(document)} links to {target}, outside of the project"
        if anchor and path.suffix == ".md":
            assert anchor in anchors_of(path), f"{name_of(document)} links to {target}, and there is no such place in it"


# -- the references are complete -------------------------------------------------------------------------------------------


def rows_under(document: Path, heading: str) -> dict[str, list[str]]:
    """The tables under a heading: the first cell's `code` -> the other cells."""
    text = document.read_text("utf-8")
    match = re.search(rf"^(#+) +{re.escape(heading)}$(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert match is not None, f"{name_of(document)} has no heading {heading!r}"
    rows = {}
    for line in match[2].splitlines():
        cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        if line.startswith("| `") and len(cells) > 1:
            rows[cells[0].strip("`")] = cells[1:]
    return rows


SECTIONS = {
    "The scenario itself": (
        schema.ScenarioModel,
        ("cluster", "network", "latencies", "workers", "activities", "workflows", "faults", "expect", "fuzz"),
    ),
    "`[cluster]`": (schema.ClusterSection, ()),
    "`[network]`": (schema.NetworkSection, ()),
    "`[latencies]`": (schema.LatenciesSection, ()),
    "`[[workers]]`": (schema.WorkerSection, ()),
    "`[workers.clock]`": (schema.ClockSection, ()),
    "`[workers.network]`": (schema.LegsSection, ()),
    "`[activities.TYPE]`": (schema.ActivitySection, ()),
    "`[[workflows]]`": (schema.WorkflowSection, ()),
    "`arrival`": (schema.ArrivalSection, ()),
    "`[properties]`": (schema.PropertiesSection, ()),
    "`[fuzz]`": (schema.FuzzSection, ()),
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_scenario_reference_has_every_key(heading: str) -> None:
    """Keys of the schema and rows of the reference are the same; so are plain defaults."""
    section, elsewhere = SECTIONS[heading]
    rows = rows_under(DOCS / "reference" / "scenario.md", heading)
    keys = {field.alias or name for name, field in section.model_fields.items()}
    assert rows.keys() - keys == set()
    assert keys - rows.keys() - set(elsewhere) == set()
    for name, field in section.model_fields.items():
        shown = rows.get(field.alias or name, [""])[0].strip("`")
        if type(field.default) is bool:
            assert shown == str(field.default).lower(), name
        elif type(field.default) is str and field.default:
            assert shown == f'"{field.default}"', name


SWEEPS = {
    "The sweep itself": sweeps.SweepModel,
    "`[[axes]]`": sweeps.AxisSection,
    "`[design]`": sweeps.DesignSection,
    "`[precision]`": sweeps.PrecisionSection,
}


@pytest.mark.parametrize("heading", SWEEPS)
def test_sweeps_reference_has_every_key(heading: str) -> None:
    """Keys of the schema, and their plain defaults."""
    rows = rows_under(DOCS / "reference" / "sweeps.md", heading)
    named = {name for key in rows for name in re.findall(r"\w+", key)}
    fields = SWEEPS[heading].model_fields
    assert named == {field.alias or name for name, field in fields.items()}
    for name, field in fields.items():
        shown = rows.get(field.alias or name, [""])[0].strip("`")
        if type(field.default) is int or (type(field.default) is str and field.default and name != "kind"):
            assert shown.strip('"') == str(field.default), name


def test_sweeps_reference_has_every_column() -> None:
    """Groups with their columns."""
    rows = rows_under(DOCS / "reference" / "sweeps.md", "Metrics")
    assert rows.keys() == {"run", *GROUPS, "over:1m", "promise:slot_limit"}
    for group in rows:
        gathered: list[Problem] = []
        for column in wanted([group], gathered).columns:
            assert f"`{column}`" in rows[group][0], column
        assert gathered == []


def test_faults_reference_has_every_kind_and_moment() -> None:
    """Kinds with their parameters, moments, methods of calls."""
    document = DOCS / "reference" / "faults.md"
    rows = rows_under(document, "Kinds")
    assert rows.keys() == KINDS.keys()
    for name, kind in KINDS.items():
        for parameter in (*kind.needs, *kind.takes):
            assert f"`{parameter}`" in rows[name][-1], f"{name}: {parameter}"
    assert rows_under(document, "Moments").keys() == set(MOMENTS.names)
    text = document.read_text("utf-8")
    for key, field in schema.FaultSection.model_fields.items():
        assert f"`{field.alias or key}`" in text, key
    for method in METHODS:
        assert f"`{method}`" in text, method


def test_programs_reference_has_every_step() -> None:
    """Steps with their keys, and the keys of `work`."""
    document = DOCS / "reference" / "programs.md"
    rows = rows_under(document, "Steps")
    assert rows.keys() == STEPS.keys()
    for name, (keys, _) in STEPS.items():
        assert set(re.findall(r"`(\w+)`", rows[name][0] + rows[name][1])) >= set(keys), name
    assert rows_under(document, "What `DoWork` does").keys() == WORK.keys()


def test_command_reference_has_every_option() -> None:
    """Commands, and their options."""
    text = (DOCS / "reference" / "cli.md").read_text("utf-8")
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        section = re.search(rf"^## `session-sim {name}[ `](.*?)(?=^## |\Z)", text, re.M | re.S)
        assert section is not None, f"docs/reference/cli.md has no section about {name}"
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")} - {"--help"}
        shown = set(re.findall(r"^\| `(--[a-z-]+)", section[1], re.M))
        assert shown == options, name


def test_the_readme_counts_right() -> None:
    """How many promises there are, and how many are kept; how many faults and scenarios the changelog counts."""
    from sim.properties import ALL
    from tests.properties.scenarios_broken import BROKEN

    readme, changes = WRITTEN[0].read_text("utf-8"), WRITTEN[3].read_text("utf-8")
    assert f"each of {len(ALL)} promises held" in readme
    assert f"Of the {len(ALL)} promises of the documentation and the code the real protocol keeps {len(ALL) - len(BROKEN)}." in readme
    assert f"{len(KINDS)} kinds" in changes
    assert f"{len(ALL)} properties" in changes
    words = {
        12: "Twelve",
        13: "Thirteen",
        14: "Fourteen",
        15: "Fifteen",
        16: "Sixteen",
        17: "Seventeen",
        18: "Eighteen",
        19: "Nineteen",
        20: "Twenty",
    }
    assert f"{words[len(list((ROOT / 'scenarios').glob('*.toml')))]} scenarios ship" in changes


def test_every_property_is_named_in_the_truth() -> None:
    """Names in backticks that look like properties are properties."""
    from sim.properties import ALL

    text = (DOCS / "documentation-truth.md").read_text("utf-8")
    named = {name for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", text) if not name.startswith(("max_", "get_", "create_", "complete_"))}
    assert named <= ALL.keys() | {path.stem for path in (ROOT / "scenarios").glob("*.toml")}
