"""What scenarios and results look like in a notebook: HTML that stands alone, nothing loaded from anywhere, everything escaped.

A notebook keeps what it shows, so pages are short: pictures stay within the limits of a report, and long lists are cut.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sim.properties import KNOWN
from sim.report import summary
from sim.report.clock import stamp
from sim.report.html import inline
from sim.report.regression import counted, scenario_text
from sim.report.story import Story
from sim.report.timeline_parts import Timeline
from sim.report.watched import Diverged, Watched, watch
from sim.scenario.load import Scenario
from sim.scenario.problems import ScenarioError
from sim.scenario.replay import ReplayResult
from sim.scenario.run import RunResult
from sim.scenario.schema import Section
from sim.shrink import Shrunk

MOST_MESSAGES: Final = 100_000
"""A result draws its timeline by itself up to so many messages: a cell should take a few seconds, and the run is run again."""

MOST_LINES: Final = 200
MOST_ROWS: Final = 40
MOST_LETTERS: Final = 120


def page(shown: object) -> str:
    """A scenario, a result, or what was seen of a run as HTML."""
    match shown:
        case RunResult():
            return _render("run", **_run(shown))
        case ReplayResult():
            return _render("replay", replay=shown, **_run(shown.result))
        case Scenario():
            return _render("scenario", **_scenario(shown))
        case Shrunk():
            return _render("shrunk", **_shrunk(shown))
        case Watched():
            picture = _picture(shown.timeline, f"{shown.scenario}, seed {shown.seed}")
            return _render("watched", timeline=picture, **_story(shown.story))
        case Timeline():
            return _render("watched", timeline=_picture(shown), lines=(), more_lines=0)
        case Story():
            return _render("watched", timeline="", **_story(shown))
        case _:
            raise TypeError(f"there is no page for a {type(shown).__name__}")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sim.report", "templates/notebook"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["stamp"] = stamp
    return environment


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(f"{template}.html.j2").render(values)


# -- runs ------------------------------------------------------------------------------------------------------------------


def _run(result: RunResult) -> dict[str, Any]:
    judged = summary.judged_of(result.verdicts)
    timeline, trouble = _timeline_of(result)
    return {
        "name": f"{result.scenario}, seed {result.seed}",
        "conclusion": summary.conclusion(judged) if judged else "No properties were watched.",
        "fine": result.as_expected,
        "rows": [*summary.rows(result.to_json()), ("workflows", _statuses(result.statuses))],
        "judged": summary.ordered(judged),
        "idle": sorted(one.name for one in judged if one.verdict == "not exercised"),
        "signs": {verdict: sign for verdict, (_, sign) in summary.LOOKS.items()},
        "timeline": timeline,
        "trouble": trouble,
        "digest": result.digest,
    }


def _statuses(statuses: Mapping[str, int]) -> str:
    ordered = sorted(statuses.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count:,} {status.lower().replace('_', ' ')}" for status, count in ordered) or "none"


def _timeline_of(result: RunResult) -> tuple[Markup | str, str]:
    """The picture, or why there is none."""
    if result.messages + result.local_messages > MOST_MESSAGES:
        return "", "The timeline is not drawn by itself, since the run is a long one: watch(result) runs it again and draws it."
    try:
        return _picture(watch(result).timeline, f"{result.scenario}, seed {result.seed}"), ""
    except (Diverged, ScenarioError) as error:
        return "", f"There is no timeline: {error}"


def _picture(line: Timeline, title: str = "") -> Markup:
    from sim.report.plots import style
    from sim.report.plots import timeline as plot

    drawn = style.svg(plot.draw(line, title))
    # A notebook is one page with many pictures: the ids of each have to be its own.
    return inline(drawn, f"t{blake2b(drawn.encode(), digest_size=6).hexdigest()}")


def _shrunk(small: Shrunk) -> dict[str, Any]:
    deviations = small.deviations
    return {
        "small": small,
        "promise": KNOWN[small.broken].sentence,
        "size": counted(deviations.faults, deviations.choices),
        "scenario": scenario_text(small, '`tape.scenario["modules"]` has the text'),
    }


def _story(story: Story) -> dict[str, Any]:
    told = story.told()
    return {"lines": told[:MOST_LINES], "more_lines": max(0, len(told) - MOST_LINES)}


# -- scenarios -------------------------------------------------------------------------------------------------------------


def _scenario(scenario: Scenario) -> dict[str, Any]:
    model = scenario.model
    activities = [{"type": name, **_said(section)} for name, section in model.activities.items()]
    sections = {
        "cluster": [_said(model.cluster)],
        "network": [_said(model.network)],
        "workers": [_said(section) for section in model.workers],
        "activities": activities,
        "workflows": [_said(section) for section in model.workflows],
        "faults": [_said(section) for section in model.faults],
        "expect": [{"property": name, "verdict": verdict} for name, verdict in model.expect.items()],
    }
    return {
        "name": scenario.name,
        "title": model.title,
        "description": model.description,
        "tables": {heading: _table(rows) for heading, rows in sections.items() if any(rows)},
        "modules": sorted(model.modules.items()),
        "digest": scenario.digest,
    }


def _said(section: Section) -> dict[str, Any]:
    """What a section says beyond the defaults, by the keys of the file."""
    return section.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)


def _table(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Columns for all keys that a row has, and the rows as text."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    shown = [[_cell(key, row.get(key)) for key in keys] for row in rows[:MOST_ROWS]]
    return {"keys": keys, "rows": shown, "more": max(0, len(rows) - MOST_ROWS)}


def _cell(key: str, value: object) -> str:
    if key == "program" and isinstance(value, list):
        return f"{len(value)} step{'' if len(value) == 1 else 's'}"
    if value is None or isinstance(value, str):
        text = value or ""
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
