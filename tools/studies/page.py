"""A study's README: question and answer are written by people, what stands between the marks is made by the study."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from sim.sweep.statistics import Interval, mean_interval, proportion_interval


def fill(readme: Path, name: str, text: str) -> None:
    """Put text between `<!-- NAME -->` and `<!-- /NAME -->`.

    Raises:
        ValueError: the marks are not there.
    """
    page = readme.read_text("utf-8")
    pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)"
    filled, count = re.subn(pattern, lambda found: f"{found[1]}{text.rstrip()}\n{found[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{readme}: has {count} places <!-- {name} -->; expected one, closed by <!-- /{name} -->")
    readme.write_text(filled, "utf-8")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def spelled(interval: Interval, scale: float = 1.0) -> str:
    """An estimate with its half-width, times `scale`, in as many digits as the half-width says something about."""
    half = scale * interval.half_width
    if not 0 < half < math.inf:
        return f"{scale * interval.estimate:.3g}" + (" in all runs" if half == 0 else "")
    digits = max(0, 1 - math.floor(math.log10(half)))
    return f"{scale * interval.estimate:.{digits}f} ± {half:.{digits}f}"


def share(cases: Sequence[int], of: Sequence[int]) -> str:
    """A share of cases in per cent, of runs with so many cases of so many each, with its interval.

    The interval is the wider of Student's over the runs, which knows how cases cling together, and Clopper and Pearson's over all,
    which knows what it means that there was none.
    """
    student = mean_interval([bad / all_ for bad, all_ in zip(cases, of, strict=True)])
    exact = proportion_interval(sum(cases), sum(of))
    low, high = max(0.0, min(student.low, exact.low)), min(1.0, max(student.high, exact.high))
    return f"{100 * exact.estimate:.3g} % [{100 * low:.3g}, {100 * high:.3g}]"
