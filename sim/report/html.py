"""The report of a run: one HTML file with everything in it, nothing loaded from anywhere, the same bytes for the same run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from sim.report import summary
from sim.report.clock import stamp
from sim.report.difference import brief
from sim.report.plots import slots, style, waits
from sim.report.plots import timeline as timeline_plot
from sim.report.story import Line, Story, Weight
from sim.report.summary import Judged
from sim.report.timeline_parts import Timeline

MOST_LINES: Final = 3_000
"""Lines of a story in a report; a browser has to stay quick."""

MOST_WORKFLOWS: Final = 200

FEWEST_WAITS: Final = 5
"""Fewer waits have no distribution worth a figure."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a report is made of.

    Args:
        result: the JSON object of `run --json`.
        judged: every property's verdict.
        timeline: the gathered timeline.
        story: the gathered story.
        command: what reproduces the run.
        scenario_text: the scenario as TOML or JSON.
        version: of this program.
        title: what the scenario is, in a line.
    """

    result: Mapping[str, Any]
    judged: Sequence[Judged]
    timeline: Timeline
    story: Story
    command: str
    scenario_text: str
    version: str = ""
    title: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)
    timeline_svg: str = ""
    """The timeline if it has been drawn already."""


def render(contents: Contents) -> str:
    """The report as HTML text."""
    result, line = contents.result, contents.timeline
    name = f"{result['scenario']}, seed {result['seed']}"
    created = [s.created - s.asked for s in line.sessions if s.created is not None]
    unmet = sum(s.end == "not created" for s in line.sessions)
    drawn = contents.timeline_svg or style.svg(timeline_plot.draw(line, name))
    told = contents.story.told(long=True)
    return template("report.html.j2").render(
        name=name,
        title=contents.title,
        conclusion=summary.conclusion(contents.judged),
        fine=all(one.as_expected for one in contents.judged),
        judged=sorted(contents.judged, key=lambda one: (_ORDER.get(one.verdict, 9), one.name)),
        signs={verdict: sign for verdict, (_, sign) in summary.LOOKS.items()},
        timeline=themed(drawn, "timeline"),
        slots=themed(style.svg(slots.draw(line)), "slots"),
        waits=themed(style.svg(waits.draw(created, unmet)), "waits") if len(created) >= FEWEST_WAITS else "",
        lines=[row(one) for one in told[:MOST_LINES]],
        more_lines=max(0, len(told) - MOST_LINES) + contents.story.left_out,
        rows=summary.rows(result),
        statuses=summary.statuses(result),
        workflows=list(result.get("workflows") or ())[:MOST_WORKFLOWS],
        more_workflows=max(0, len(result.get("workflows") or ()) - MOST_WORKFLOWS),
        command=contents.command,
        scenario_text=contents.scenario_text,
        modules=sorted(contents.modules.items()),
        digest=result["digest"],
        version=contents.version,
    )


_ORDER: Final = {"broken": 0, "undecidable": 1, "held": 2}


def row(line: Line) -> dict[str, Any]:
    """A line of a story as templates want it."""
    return {"time": stamp(line.time, 3), "text": line.text, "key": line.weight is Weight.KEY, "sessions": " ".join(line.sessions)}


def template(name: str) -> Template:
    """A page's template."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=PackageLoader("sim.report", "templates")
    )
    environment.filters["stamp"] = stamp
    environment.filters["brief"] = brief
    return environment.get_template(name)


def themed(svg: str, prefix: str) -> Markup:
    """An SVG to stand inside a page, with the page's own colours of ground, ink and lines: light on light pages, dark on dark ones."""
    body = str(inline(svg, prefix))
    for colour, name in _THEMED.items():
        body = re.sub(rf"(fill|stroke): {colour}\b", rf"\1: var(--{name})", body)
    return Markup(body)


_THEMED: Final = {
    "#ffffff": "paper", style.INK: "ink", style.MUTED: "muted", style.GRID: "line", style.BAND: "figure-band", style.RED: "red",
}  # fmt: skip
"""Colours of figures -> the page's names for them."""


def inline(svg: str, prefix: str) -> Markup:
    """An SVG to stand inside HTML: without the XML prologue, with ids that do not meet those of other figures."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", body)
    # The size is the page's; the picture keeps its proportions by its viewBox.
    body = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg[^>]*?) width="[^"]*"', r'\1 width="100%" role="img"', body, count=1)
    return Markup(body)
