"""An audit as tables for a terminal: the sessions that did not go well with their stories, the workers, the promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sim.audit.result import iso
from sim.audit.sessions import End, Session
from sim.audit.words import outcome_of
from sim.properties import ALL, VerdictKind
from sim.report.clock import length
from sim.report.summary import LOOKS

if TYPE_CHECKING:
    from sim.audit.facts import Activity, Binding
    from sim.audit.result import AuditResult

MOST_SESSIONS: Final = 40
MOST_WORKERS: Final = 40
STYLES: Final = {End.FAILED: "red", End.CREATION_FAILED: "red", End.CANCELLED: "yellow", End.OPEN: "yellow", End.COMPLETED: "green"}


def show(console: Console, result: AuditResult, every: bool) -> None:
    """Print everything."""
    console.print(_head(result))
    if not result.sessions:
        console.print("No sessions: no history has an internalSessionCreationActivity.", style="yellow")
        return
    told = [session for session in result.sessions if every or is_remarkable(session)]
    shown = told if every else told[:MOST_SESSIONS]
    console.print()
    for session in shown:
        console.print(_story(result, session))
    if len(shown) < len(told):
        console.print(f"… and {len(told) - len(shown):,} more that did not go well; --all shows every session.", style="dim")
    elif len(told) < len(result.sessions):
        well = len(result.sessions) - len(told)
        console.print(f"{well:,} session{'s' if well != 1 else ''} went well; --all shows every session.", style="dim")
    console.print()
    console.print(_workers(result))
    console.print()
    console.print(_verdicts(result))
    console.print()
    console.print(_conclusion(result))


def is_remarkable(session: Session) -> bool:
    """Whether a session's story is worth telling: it did not just begin, work and end."""
    odd = session.moved or session.overwritten or session.without_slot or session.left_running
    badly = session.completion is not None and session.completion.outcome != "completed"
    return bool(session.end is not End.COMPLETED or odd or badly)


def _head(result: AuditResult) -> RenderableType:
    """How much there is, and how the sessions ended."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    events = sum(run.events for run in result.runs)
    table.add_row("histories", f"{len(result.runs):,} with {events:,} events, from {iso(result.began)} to {iso(result.ended)}")
    ends = ", ".join(f"{count:,} {end}" for end, count in result.ends().items() if count)
    table.add_row("sessions", f"{len(result.sessions):,} asked for" + (f": {ends}" if ends else ""))
    waits = sorted(result.waits)
    if len(waits) == 1:
        table.add_row("creation took", length(waits[0]))
    elif waits:
        quantiles = ", ".join(f"{name} {length(waits[min(len(waits) - 1, len(waits) * share // 100)])}" for name, share in _QUANTILES)
        table.add_row("creation took", f"{quantiles}, max {length(waits[-1])}")
    for run in result.canceled_by_loss:
        table.add_row("CANCELED", Text(f"{run.workflow_id} ({run.run_id}): nobody asked for it; its worker was lost (P1.4.8)", style="red"))
    return table


_QUANTILES: Final = (("p50", 50), ("p90", 90), ("p99", 99))


# -- sessions ----------------------------------------------------------------------------------------------------------


def _story(result: AuditResult, session: Session) -> RenderableType:
    """A session in a few lines."""
    head = Text(session.name, style="bold")
    head.append(f"  {session.end.value}", style=STYLES[session.end])
    head.append(f"  {session.session_id}", style="dim")
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for label, text in _facts(result, session):
        facts.add_row(f"  {label}", Text(text))
    return Group(head, facts)


def _facts(result: AuditResult, session: Session) -> Iterator[tuple[str, str]]:
    asked = session.creation.scheduled_at
    yield "asked for", f"{iso(asked)}{', to be recreated on ' + session.creation.command.task_queue if session.recreated else ''}"
    yield "created", _created(result, session)
    for binding in session.bindings[1:]:
        yield "signal again", _again(result, session, binding)
    for activity in session.activities:
        yield "activity", f"{_name(activity)}, {_when(session, activity.scheduled_at)}: {outcome_of(activity)}"
    ended = f"{_when(session, session.ended_at)}: " if session.ended_at is not None else ""
    yield "end", f"{ended}{result.cause(session) or 'none in the history'}"
    yield from _losses(session)


def _again(result: AuditResult, session: Session, binding: Binding) -> str:
    """A further attempt signalled: nobody listens, but it holds a slot and sends the heartbeats (P2.4f)."""
    worker = result.workers.by_queue[binding.queue]
    text = f"{_when(session, binding.at)}, by another attempt on {worker.name} ({worker.host}, {worker.queue})"
    if binding.queue == session.queue:
        return text
    first = result.workers.by_queue[session.queue].name
    return f"{text}: bound twice; that one holds the slot and sends the heartbeats, the work is on {first}"


def _name(activity: Activity) -> str:
    return f"{activity.command.activity_type} (event {activity.event_id})"


def _when(session: Session, at: int) -> str:
    return f"{(at - session.creation.scheduled_at) / 1e6:.3f} s after asking"


def _created(result: AuditResult, session: Session) -> str:
    exactly = "" if session.attempts_known else "at least "
    tries = f"{exactly}{session.attempts} attempt{'s' if session.attempts != 1 else ''}"
    if session.bound is None or session.created_at is None:
        return f"never, {tries}"
    worker = result.workers.by_queue[session.queue]
    waited = (session.created_at - session.creation.scheduled_at) / 1e6
    return f"{waited:.3f} s after asking, {tries}, on {worker.name} ({worker.host}, {worker.queue})"


def _losses(session: Session) -> Iterator[tuple[str, str]]:
    if session.detection is not None:
        yield "detected", f"{session.detection / 1e6:.3f} s after the last sign of life of its worker"
    between = session.lost_between
    if between is not None and between[1] > between[0]:
        yield "lost", f"between {_when(session, between[0])} and {_when(session, between[1])}"
    for activity in session.unstarted_when_lost:
        # An attempt that nothing closed left no event, whether it was started or not (P4.1.2).
        started = "never started" if activity.closed_at is not None else "whether it was started the history does not tell"
        yield "stranded", f"{_name(activity)} was scheduled when its worker was not heard of any more; {started}"
    for activity, span in session.without_slot:
        yield "no slot", f"{_name(activity)} ran for {length(span)} without the session's slot"
    for activity, span in session.after_failure:
        yield "went on", f"{_name(activity)} ended {length(span)} after the session had failed"
    for activity in session.left_running:
        yield "runs on?", f"{_name(activity)} has no end in the history"


# -- workers and promises ----------------------------------------------------------------------------------------------


def _workers(result: AuditResult) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column, justify in _WORKER_COLUMNS:
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    workers = sorted(result.workers.by_queue.values(), key=lambda worker: (-worker.failed, worker.first_at))
    for worker in workers[:MOST_WORKERS]:
        most, surely = worker.most(surely=False)[0], worker.most(surely=True)[0]
        full = result.limit is not None and most >= result.limit
        used = Text(f"{most}{f' of {result.limit}' if result.limit is not None else ''}", style="bold" if full else "")
        if result.limit is not None and surely > result.limit:
            used.append(f", surely {surely}", style="bold red")
        failed = Text(f"{worker.failed:,}", style="red" if worker.failed else "")
        table.add_row(worker.name, worker.host, worker.queue, f"{len(worker.held):,}", failed, used)
    if len(workers) > MOST_WORKERS:
        return Group(table, Text(f"… and {len(workers) - MOST_WORKERS:,} more workers", style="dim"))
    return table


_WORKER_COLUMNS: Final = (
    ("worker", "left"), ("host", "left"), ("its queue", "left"), ("sessions", "right"), ("failed", "right"), ("at most at a time", "right"),
)  # fmt: skip


def _verdicts(result: AuditResult) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("", "promise", "verdict", ""):
        table.add_column(column, overflow="fold", no_wrap=column == "promise")
    decided = [(name, v) for name, v in result.verdicts.items() if v.kind in (VerdictKind.BROKEN, VerdictKind.HELD)]
    for name, verdict in sorted(decided, key=lambda pair: pair[1].kind is not VerdictKind.BROKEN):
        style, sign = LOOKS[verdict.kind.value]
        text = Text(ALL[name].sentence, style="dim" if verdict.kind is VerdictKind.HELD else "")
        for violation in verdict.violations[:3]:
            text.append(f"\n{iso(violation.time_us)} {violation.message}", style="red")
        if verdict.broken > 3:
            text.append(f"\nand {verdict.broken - 3:,} more", style="red")
        table.add_row(Text(sign, style=style), name, Text(verdict.kind.value, style=style), text)
    idle = ", ".join(name for name, v in result.verdicts.items() if v.kind is VerdictKind.NOT_EXERCISED)
    rest = [Text(f"not exercised: {idle}", style="dim")] if idle else []
    return Group(table, Text(), *rest, Text(f"not to be decided by histories: {', '.join(result.undecidable)}", style="dim"))


def _conclusion(result: AuditResult) -> Text:
    broken = [name for name, verdict in result.verdicts.items() if verdict.kind is VerdictKind.BROKEN]
    if broken:
        return Text(f"Broken: {', '.join(broken)}.", style="bold red")
    return Text("No promise is shown to be broken.", style="green")
