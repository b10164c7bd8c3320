"""The table of the oracles as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from sim.sizing.theory import Waiting
from tools.oracles.cell import Estimate, Row

ALPHA: Final = 0.05
INTRODUCTION: Final = """# The queue of sessions against queueing theory

Made by `{command}`; {when} of processor time.

Without faults, with one partition and Poisson arrivals, a pool of workers is a queue: slots
are servers, sessions are customers in the order in which the server has their creation activities, and CreationTimeout is how long
they wait at most. So without a CreationTimeout the waits must be those of Erlang's C formula (M/M/c), with one those of M/M/c+D, and with
log-normal holds near those of Allen and Cunneen's approximation.

Holds have a mean of 10 s. Each row has {seeds} runs of {sessions:,} sessions that count, after {warm_up:,} others. Waits are means of
those that got a session, from the moment at which the server has the creation activity (less the transfer queue's read) to the start
of its attempt.

* **theory**: the formula, for holds that the protocol's own occupation of a slot has made longer (last table);
* **simulated**: theory plus the mean difference between the simulated waits and those of an ideal queue (first come, first served, no
  overhead but that occupation) on the very same arrivals and holds, with its 95 % interval. Luck is common to both, so the interval is
  narrow. For log-normal holds, whose mean no formula gives, the ideal queue's mean of {customers:,} customers stands in its place;
* **raw**: the mean of the simulated waits by itself, without any theory, with the 95 % interval of the means of {batches} batches.
  Long waits come in clusters: to know it to 3 % at a load of 0.8 would take half a million sessions with one slot, and tens of
  millions with a hundred;
* **ideal**: the ideal queue by itself, of {customers:,} customers with other draws. It shows that recursion and formula agree, so
  that *simulated* is more than theory added to itself. All rows have these draws in common, so what one of them has by luck the
  others have, too;
* **p**: of the hypothesis that simulated and theory are equal, from the paired differences of {batches} batches.

So there are two intervals. That of *raw* says what these sessions tell of the wait when nothing else is known: it is as wide as the
luck of arrivals. That of *simulated* says how far the protocol's queue is from the ideal one when both meet the same luck, which is
the question here; difference, half-width and p are of this one.
"""

OTHERS: Final = """Allen and Cunneen's formula is an approximation, so there is no hypothesis of equality. What its error is says the
ideal queue by itself, which knows nothing of the protocol; the simulated queue has to have the same error. *Off the ideal* is what
the protocol adds on the same luck.
"""

OVERHEADS: Final = """Mean times that a session takes beside waiting and working, with 95 % intervals. *Before*: first workflow
task and transfer queue's read, until its creation activity can be given to a worker. *Starting*: from the recorded start of that
activity to the work, that is, dispatch, signal, workflow task, transfer queue, dispatch. *Ending*: from the end of the work to the
free slot: report, workflow task, transfer queue, completion activity. *Turning*: a slot's token is free, but its worker's next poll
has to come first, whose answer is a session that waits. The last three occupy the slot.
"""


def page(rows: Sequence[Row], facts: dict[str, object]) -> str:
    """The whole page, in Markdown."""
    parts = [INTRODUCTION.format(**facts), "## No CreationTimeout, exponential holds: Erlang C\n"]
    plain = [r for r in rows if r.cell.exact and r.cell.patience_s is None]
    patient = [r for r in rows if r.cell.patience_s is not None]
    others = [r for r in rows if not r.cell.exact]
    parts.append(_plain(plain))
    parts.append("## CreationTimeout, load 1.2: M/M/c+D\n")
    parts.append(_patient(patient))
    parts.append("## Log-normal holds: Allen and Cunneen\n")
    parts.append(_others(others))
    parts.append("## Verdict\n")
    parts.append(_verdict(rows))
    parts.append("## The protocol's own\n")
    parts.append(_overheads(rows))
    return "\n".join(parts)


def _plain(rows: Sequence[Row]) -> str:
    head = "| slots | load | theory, s | simulated, s | difference | half-width | p | raw, s | ideal, s | longest, s |"
    lines = [head, "|" + "---:|" * 10]
    for r in rows:
        p = "" if r.p is None else f"{r.p:.3f}"
        lines.append(
            f"| {_slots(r)} | {r.cell.load:g} | {_number(r.theory)} | {_estimate(r.simulated)} | {r.error:+.3%} | {r.width:.3%} | {p} "
            f"| {_estimate(r.raw)} | {_estimate(r.ideal)} | {_number(r.longest)} |"
        )
    return "\n".join(lines) + "\n"


def _patient(rows: Sequence[Row]) -> str:
    head = "| slots | timeout, s | what | theory | simulated | difference | half-width | p | raw | ideal |"
    lines = [head, "|" + "---:|" * 10]
    for r in rows:
        lines.append(
            f"| {_slots(r)} | {r.cell.patience_s:g} | wait, s | {_number(r.theory)} | {_estimate(r.simulated)} | {r.error:+.3%} "
            f"| {r.width:.3%} | {r.p:.3f} | {_estimate(r.raw)} | {_estimate(r.ideal)} |"
        )
        lost = r.simulated_lost
        lines.append(
            f"| | | timed out | {r.theory_lost:.4%} | {lost.mean:.4%} ± {lost.reach:.4%} | {lost.mean / r.theory_lost - 1:+.3%} "
            f"| {lost.reach / r.theory_lost:.3%} | {r.p_lost:.3f} | | |"
        )
    return "\n".join(lines) + "\n"


def _others(rows: Sequence[Row]) -> str:
    head = (
        "| slots | load | squared variation of holds | approximation, s | ideal, s | its error there | simulated, s | its error there "
        "| half-width | off the ideal | raw, s |"
    )
    lines = [OTHERS, head, "|" + "---:|" * 11]
    for r in rows:
        variation = r.theory / Waiting(r.cell.servers, r.cell.rate, r.cell.law.mean() / 1e6 + r.overhead.on_slot).mean_wait * 2 - 1
        there, off = r.theory / r.ideal.mean - 1, r.simulated.mean / r.ideal.mean - 1
        lines.append(
            f"| {_slots(r)} | {r.cell.load:g} | {variation:.2f} | {_number(r.theory)} | {_estimate(r.ideal)} | {there:+.2%} "
            f"| {_estimate(r.simulated)} | {r.theory / r.simulated.mean - 1:+.2%} | {r.width:.2%} | {off:+.4%} | {_estimate(r.raw)} |"
        )
    return "\n".join(lines) + "\n"


def rejected(rows: Sequence[Row]) -> list[str]:
    """The hypotheses that Holm's procedure rejects at 5 % for the whole table."""
    named = [(r.p, f"{_slots(r)} at {r.cell.load:g}, wait") for r in rows if r.p is not None]
    named += [(r.p_lost, f"{_slots(r)} at {r.cell.load:g}, timed out") for r in rows if r.p_lost is not None]
    refused = []
    for rank, (p, name) in enumerate(sorted(named)):
        if p > ALPHA / (len(named) - rank):
            break
        refused.append(f"{name} (p = {p:.1e})")
    return refused


def allowed(row: Row) -> float:
    """How wide an interval may be, relative: 3 % up to a load of 0.8, 10 % above."""
    return 0.03 if row.cell.load <= 0.8 else 0.1


def _verdict(rows: Sequence[Row]) -> str:
    exact = [r for r in rows if r.cell.exact]
    wide = [f"{_slots(r)} at {r.cell.load:g}" for r in exact if r.width > allowed(r)]
    far = [f"{_slots(r)} at {r.cell.load:g}" for r in exact if abs(r.error) + r.width > allowed(r)]
    refused = rejected(rows)
    count = sum(r.p is not None for r in rows) + sum(r.p_lost is not None for r in rows)
    largest = max(abs(r.error) for r in exact)
    inside = sum(abs(r.raw.mean - r.theory) <= r.raw.reach for r in exact)
    lines = [
        f"* Half-widths wider than allowed (3 % up to a load of 0.8, 10 % above): {', '.join(wide) or 'none'}.",
        f"* Intervals that leave the band of that width around theory: {', '.join(far) or 'none'}; the largest difference: {largest:.3%}.",
        f"* Theory lies in the interval of the raw mean in {inside} of {len(exact)} rows (95 % are expected, "
        "somewhat fewer at high loads, where batches of one run depend on each other).",
        f"* Of {count} hypotheses of equality Holm's procedure rejects at 5 %: {'; '.join(refused) or 'none'}.",
    ]
    return "\n".join(lines) + "\n"


def _overheads(rows: Sequence[Row]) -> str:
    head = "| slots | load | before, ms | starting, ms | ending, ms | turning, ms | hold / occupation | theory without it, s | with it, s |"
    lines = [
        OVERHEADS,
        head,
        "|" + "---:|" * 9,
    ]
    for r in rows:
        o = r.overhead
        ms = " | ".join(_ms(estimate) for estimate in (o.before, o.starting, o.ending, o.turning))
        ratio = r.cell.law.mean() / 1e6 / o.on_slot
        lines.append(f"| {_slots(r)} | {r.cell.load:g} | {ms} | {ratio:,.0f} | {_number(r.pure)} | {_number(r.theory)} |")
    return "\n".join(lines) + "\n"


def _slots(row: Row) -> str:
    return f"{row.cell.servers} ({row.cell.workers} × {row.cell.slots})"


def _ms(estimate: Estimate) -> str:
    reach = f"{1000 * estimate.reach:.3f}" if math.isfinite(estimate.reach) else "?"
    return f"{1000 * estimate.mean:.3f} ± {reach}"


def _number(value: float) -> str:
    if value < 5e-4:
        return "0" if value == 0 else f"{value:.1e}"
    return f"{value:.4f}" if value < 10 else f"{value:.3f}"


def _estimate(estimate: Estimate) -> str:
    return f"{_number(estimate.mean)} ± {_number(estimate.reach)}"
