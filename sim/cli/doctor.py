"""`session-sim doctor`: whether this machine has what is needed."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from sim.cli import places, versions
from sim.cli.exits import Exit, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_user

NEEDED: Final = ("simpy", "msgspec", "pydantic", "numpy", "scipy", "networkx", "matplotlib", "jinja2", "rich", "typer")
OPTIONAL: Final = (
    ("numba", "the model checker's fast kernels", "pip install 'session-sim[checker]'"),
    ("temporalio", "comparison with Temporal's own history reader, in tests", "pip install temporalio"),
    ("pyarrow", "Parquet files", "pip install pyarrow"),
    ("IPython", "notebooks", "pip install ipykernel"),
)
OLDEST: Final = (3, 11)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `fatal`: without it the program does not work."""

    what: str
    found: str
    fine: bool
    fatal: bool = True
    advice: str = ""


@guarded
def command(as_json: AsJson = False) -> None:
    """Check the environment: Python, packages, optional extras, and whether a small run and a picture work.

    Example: session-sim doctor
    """
    checks = [_python(), *map(_package, NEEDED), *(_optional(*row) for row in OPTIONAL), _try("a small run", _small_run)]
    checks += [_try("a picture", _picture), _scenarios()]
    fine = all(check.fine or not check.fatal for check in checks)
    if as_json:
        rows = [{"what": c.what, "found": c.found, "fine": c.fine, "needed": c.fatal, "advice": c.advice} for c in checks]
        print_json({"fine": fine, "version": versions.program(), "server": versions.SERVER, "sdk": versions.SDK, "checks": rows})
    else:
        _show(checks, fine)
    leave(Exit.OK if fine else Exit.NOT_AS_EXPECTED)


def _python() -> Check:
    fine = sys.version_info[:2] >= OLDEST
    return Check(
        "Python", f"{platform.python_version()} on {platform.system()}", fine, advice="" if fine else "Python 3.11 or later is needed"
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _package(package: str) -> Check:
    version = _version(package)
    return Check(package, version or "missing", version is not None, advice="" if version else f"pip install {package}")


def _optional(package: str, purpose: str, install: str) -> Check:
    version = _version(package)
    return Check(package, version or "not installed", version is not None, False, "" if version else f"only for {purpose}: {install}")


def _try(what: str, attempt: Callable[[], str]) -> Check:
    try:
        return Check(what, attempt(), True)
    except Exception as error:
        return Check(what, f"{type(error).__name__}: {error}", False, advice="reinstall: pip install --force-reinstall session-sim")


def _small_run() -> str:
    from sim.scenario.load import Scenario
    from sim.scenario.run import run

    content = {
        "name": "doctor",
        "workers": [{"name": "w1"}],
        "workflows": [
            {"id": "w", "program": [{"op": "create", "as": "s", "creation": "1m", "execution": "1m"}, {"op": "complete", "in": "s"}]}
        ],
    }
    first, second = (run(Scenario.from_dict(content), 1) for _ in range(2))
    if first.digest != second.digest:
        raise RuntimeError("the same seed gave two different runs")
    return f"one session, twice the same: digest {first.digest}"


def _picture() -> str:
    from sim.report.plots import style, timeline
    from sim.report.timeline_parts import Timeline

    return f"{len(style.svg(timeline.draw(Timeline(end=1_000_000), 'doctor'))):,} bytes of SVG"


def _scenarios() -> Check:
    count = len(places.shipped())
    advice = "" if count else "they lie in the directory scenarios/ of the project"
    return Check("scenarios", f"{count} ship with the program" if count else "none found", count > 0, False, advice)


def _show(checks: list[Check], fine: bool) -> None:
    console = to_user()
    console.print(versions.text() + "\n", markup=False)
    for check in checks:
        sign, look = ("✓", "green") if check.fine else ("✗", "bold red") if check.fatal else ("·", "dim")
        console.print(f"[{look}]{sign}[/{look}] {check.what:<12} ", end="")
        console.print(check.found + (f"  ({check.advice})" if check.advice else ""), markup=False, soft_wrap=True)
    console.print(
        "\nEverything that is needed is there." if fine else "\nSomething that is needed is missing.", style="green" if fine else "bold red"
    )
