"""The files that a run leaves behind: tape, histories, pictures, report, metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.cli import versions
from sim.cli.workflows_file import WorkflowsFile
from sim.history.proto_json import NoJsonFormError
from sim.history.recorder import Recorder
from sim.history.temporal_json import to_json
from sim.report.story import StoryCollector
from sim.report.summary import Judged
from sim.report.timeline import TimelineCollector
from sim.scenario.load import Scenario
from sim.scenario.run import RunResult

EPOCH_US = 1_735_689_600_000_000
"""When runs begin on the server's calendar: 2025-01-01, so that histories have dates that do not depend on today."""


@dataclass(slots=True)
class Watchers:
    """What has to watch a run so that files can be made of it."""

    timeline: TimelineCollector = field(default_factory=TimelineCollector)
    story: StoryCollector = field(default_factory=StoryCollector)
    workflows: WorkflowsFile | None = None

    def observers(self) -> list[Any]:
        return [self.timeline, self.story, *([self.workflows] if self.workflows is not None else [])]


@dataclass(frozen=True, slots=True)
class Ran:
    """A run and what files are made of."""

    result: RunResult
    judged: Sequence[Judged]
    scenario: Scenario
    scenario_text: str
    command: str
    watchers: Watchers | None = None
    workflows_file: str = ""
    """Where the workflows are listed when there are too many for the JSON object."""

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints, without `files`."""
        content = self.result.to_json()
        if self.workflows_file:
            del content["workflows"]
            content["workflows_file"] = self.workflows_file
        return content


def write_all(ran: Ran, out: Path) -> dict[str, str]:
    """Write everything but histories under `out`, and say where, by kind."""
    from sim.report import html, perfetto
    from sim.report.plots import style
    from sim.report.plots import timeline as plot

    assert ran.watchers is not None
    result = ran.result
    line, story = ran.watchers.timeline.timeline(result.ended_at_us), ran.watchers.story.story()
    drawn = style.svg(plot.draw(line, f"{result.scenario}, seed {result.seed}"))
    contents = html.Contents(
        result.to_json(), ran.judged, line, story, ran.command, ran.scenario_text, versions.program(), ran.scenario.model.title,
        ran.scenario.model.modules, drawn,
    )  # fmt: skip
    result.tape.write(out / "run.tape")
    _write(out / "timeline.svg", drawn)
    _write(out / "trace.json", perfetto.dumps(line))
    _write(out / "report.html", html.render(contents))
    _write(out / "metrics.json", json.dumps(metrics(ran), indent=2, ensure_ascii=False) + "\n")
    names = {"tape": "run.tape", "timeline": "timeline.svg", "report": "report.html", "metrics": "metrics.json", "trace": "trace.json"}
    return {kind: str(out / name) for kind, name in names.items()}


def metrics(ran: Ran) -> dict[str, Any]:
    """The JSON object of the run, with what was promised and where it was first broken."""
    promises = {
        one.name: {
            "verdict": one.verdict,
            "expected": one.expected or "held or not exercised",
            "promise": one.promise,
            "exercised": one.exercised,
            "violations": one.violations,
            "first_violation": {"at_s": one.at / 1e6, "message": one.violation} if one.violation else None,
        }
        for one in ran.judged
    }
    return {**ran.to_json(), "promises": promises}


def write_histories(recorder: Recorder, folder: Path, sdk_version: str) -> list[str]:
    """Write every run's history as Temporal's proto JSON: WORKFLOW.json, WORKFLOW.run2.json.

    Those with values that have no JSON form are left out; what is wrong with them comes back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    for run in recorder:
        _, _, workflow, number = run.run.split("/")
        name = f"{workflow}.json" if number == "1" else f"{workflow}.run{number}.json"
        try:
            spelled = to_json(run, EPOCH_US, sdk_version, workflow)
        except NoJsonFormError as error:
            problems.append(f"workflow {workflow!r}, {error}; {folder / name} was not written, everything else was")
            continue
        _write(folder / name, json.dumps(spelled, indent=1, ensure_ascii=False) + "\n")
    return problems


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", errors="backslashreplace")  # half a character of a pair has no UTF-8
