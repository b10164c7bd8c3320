"""The files that an audit leaves behind: pictures like those of a simulated run, and the findings as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.properties.emitter import Emitter
from sim.report.timeline import TimelineCollector
from sim.report.timeline_parts import Timeline

if TYPE_CHECKING:
    from sim.audit.result import AuditResult

TAIL_US = 1_000_000
"""What a picture shows after the last event, so that it can be seen."""


def timeline_of(result: AuditResult) -> Timeline:
    """The timeline of what the histories tell."""
    emitter, collector = Emitter(), TimelineCollector()
    listening: Any = emitter  # it takes the place of a simulation, of which a collector only wants to listen
    collector.attach(listening, listening)
    for time, node, observation in result.observed():
        emitter.emit(time, node, observation)
    return collector.timeline(result.ended - result.began + TAIL_US)


def write_all(result: AuditResult, out: Path) -> dict[str, str]:
    """Write everything under `out`, and say where, by kind."""
    from sim.report.plots import slots, style, waits
    from sim.report.plots import timeline as plot

    findings = out / "audit.json"
    findings.write_text(json.dumps(result.to_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
    files = {"findings": str(findings)}
    if not result.sessions:
        return files
    line = timeline_of(result)
    slots_are = f"{result.limit} slots each" if result.limit is not None else "slots: as many as were seen in use"
    unmet = sum(session.bound is None for session in result.sessions)
    pictures = {
        "timeline": plot.draw(line, f"{len(result.runs)} recorded histories ({slots_are})"),
        "slots": slots.draw(line, "Slots in use, as far as the histories tell"),
        "waits": waits.draw(result.waits, unmet),
    }
    for kind, picture in pictures.items():
        file = out / f"{kind}.svg"
        file.write_text(style.svg(picture), "utf-8")
        files[kind] = str(file)
    return files
