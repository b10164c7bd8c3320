"""A GPU pool with mixed sessions: one limit on all sessions against limits by type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from sim import Scenario, run
from sim.protocol import observations as obs
from sim.report.plots import files, series, style
from sim.scenario.cluster import Cluster
from sim.simulator.simulation import Simulation
from sim.sweep.statistics import Interval, mean_interval
from sim.workflow import seen
from tools.studies.page import fill, spelled, table

RUNS: Final = 40
MINUTE: Final = 60_000_000
GPUS: Final = 4
LOADS: Final = (0.5, 0.7, 0.9)
"""Share of the GPUs that sessions which need one keep busy in the mean."""
DEMANDS: Final[dict[str, dict[str, int]]] = {"train": {"gpu": 1, "disk": 1}, "prepare": {"disk": 1}, "report": {}}
NAMES: Final = {"train": "a GPU and a disk", "prepare": "a disk", "report": "nothing scarce"}
LIMITS: Final = {"one": "one limit", "typed": "limits by type"}
PATIENCES: Final = {"30s": 0.5, "2m": 2.0, "10m": 10.0, "1h": 60.0, "never": 1200.0}
"""What `ResourcePatience` is, and how many minutes; never: as long as CreationTimeout."""
SIZES: Final = {"large": "both GPUs", "small": "one GPU"}


class Kinds:
    """Watches one run: how long creating took, and how long slots were held, by kind of workflow; microseconds."""

    def __init__(self) -> None:
        self.waits: dict[str, list[int]] = {}
        self.held: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        self._taken: dict[str, int] = {}

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        simulation.listen(seen.SessionAsked, lambda time, node, o: self._asked.setdefault(o.session, time))  # type: ignore[attr-defined]
        simulation.listen(seen.SessionCreated, self._created)
        simulation.listen(obs.TokenTaken, lambda time, node, o: self._taken.__setitem__(o.session, time))  # type: ignore[attr-defined]
        simulation.listen(obs.TokenReturned, self._returned)

    def _created(self, time: int, node: str, o: Any) -> None:
        since = self._asked.pop(o.session, None)
        if since is not None:
            self.waits.setdefault(_kind(o.session), []).append(time - since)

    def _returned(self, time: int, node: str, o: Any) -> None:
        kind = _kind(o.session)
        self.held[kind] = self.held.get(kind, 0) + time - self._taken.pop(o.session)


def _kind(session: str) -> str:
    return session.partition("-")[0].partition("/")[0]


def _workflow(kind: str, every: float, minutes: float, typed: bool, count: int, **options: Any) -> dict[str, Any]:
    """Sessions of this kind, exponentially long, one every so many minutes in the mean."""
    needs = {"resources": options.pop("resources", DEMANDS.get(kind, {}))} if typed else {}
    create = {"op": "create", "as": "s", "creation": "20h", "execution": "20h", **{k: v for k, v in needs.items() if v}, **options}
    work = {"op": "act", "in": "s", "activity": f"{kind}_work", "stc": "20h"}
    return {
        "id": kind, "count": count, "run_timeout": "40h", "arrival": {"every": {"exponential": f"{round(60_000 * every)}ms"}},
        "program": [create, {"op": "defer_complete", "in": "s"}, work],
    }  # fmt: skip


def mixed(limit: str, load: float) -> Scenario:
    """Two machines with two GPUs and four disks. Trainings of 10 min; preparations and reports of 2 min, four and six times as many."""
    typed = limit == "typed"
    every = 10 / (load * GPUS)
    worker = {"session_resources": {"gpu": 2, "disk": 4}, "session_shapes": [{"gpu": 1, "disk": 1}, {"disk": 1}]}
    one = {"max_concurrent_session_execution_size": 2}
    flows = [("train", every, 10.0, 40), ("prepare", every * 2, 2.0, 20), ("report", every, 2.0, 40)]
    return Scenario.from_dict(
        {
            "name": f"{limit}-{load:g}",
            "until": "80h",
            **({"protocol": "host"} if typed else {}),
            "workers": [{"name": "m", "count": 2, **(worker if typed else one)}],
            "activities": {f"{kind}_work": {"duration": {"exponential": f"{round(60 * minutes)}s"}} for kind, _, minutes, _ in flows},
            "workflows": [_workflow(kind, gap, minutes, typed, count) for kind, gap, minutes, count in flows],
        }
    )


def patient(patience: str) -> Scenario:
    """Two machines with two GPUs. Sessions that need one GPU for 5 min, and, a third as many, ones that need both of a machine for 10."""
    minutes = PATIENCES[patience]
    asked = {"patience": f"{round(60 * minutes)}s", "heartbeat": "5m"}
    # Of four GPUs 0.85 are kept busy: by small ones 5 minutes of each 2.45, by large ones two for 10 minutes of each 14.7.
    flows = [("small", 2.45, {"gpu": 1}, 5.0, 90), ("large", 14.7, {"gpu": 2}, 10.0, 15)]
    return Scenario.from_dict(
        {
            "name": f"patience-{patience}",
            "until": "80h",
            "protocol": "host",
            "workers": [{"name": "m", "count": 2, "session_resources": {"gpu": 2}}],
            "activities": {f"{kind}_work": {"duration": {"exponential": f"{round(60 * work)}s"}} for kind, _, _, work, _ in flows},
            "workflows": [_workflow(kind, gap, work, True, count, resources=units, **asked) for kind, gap, units, work, count in flows],
        }
    )


Figures = Mapping[str, Sequence[float]]
"""By name: one number of each run, in the order of seeds."""


def measured(scenario: Scenario) -> Figures:
    """The mean wait of each kind in minutes, and (`gpu`) the share of GPU time in use until all is done."""
    found: dict[str, list[float]] = {}
    for seed in range(1, RUNS + 1):
        kinds = Kinds()
        result = run(scenario, seed, observers=[kinds], properties=())
        for kind, waits in kinds.waits.items():
            found.setdefault(kind, []).append(sum(waits) / len(waits) / MINUTE)
            found.setdefault(f"{kind} at worst", []).append(max(waits) / MINUTE)
        used = sum(kinds.held.get(kind, 0) * units for kind, units in (("train", 1), ("small", 1), ("large", 2)))
        found.setdefault("gpu", []).append(used / (GPUS * result.ended_at_us))
    return found


def make(folder: Path) -> None:
    """Run all of it, and write the table and the figures."""
    loads = {(limit, load): measured(mixed(limit, load)) for limit in LIMITS for load in LOADS}
    for kind in DEMANDS:
        title = f"Sessions that need {NAMES[kind]}: waiting"
        files.write(f"wait-{kind}", folder, partial(draw, loads, kind, title, "minutes until the session is created"))
    files.write("gpus", folder, partial(draw, loads, "gpu", "GPUs in use until all is done", "share of GPU time"))
    fill(folder / "README.md", "limits", _limits(loads))
    patiences = {patience: measured(patient(patience)) for patience in PATIENCES}
    files.write("patience", folder, partial(draw_patience, patiences))
    fill(folder / "README.md", "patience", _patience(patiences))


def draw(loads: Mapping[tuple[str, float], Figures], what: str, title: str, label: str) -> Figure:
    """A curve for each kind of limit, with its intervals, against the load."""
    drawn = [series.Curve(name, LOADS, tuple(mean_interval(loads[limit, load][what]) for load in LOADS)) for limit, name in LIMITS.items()]
    with style.settings():
        figure, axes = series.sheet(title, f"{RUNS} runs each, intervals of 95 %")
        series.draw_bands(axes, drawn)
        axes.set_xlabel("load of the GPUs")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
        if what == "gpu":
            series.percent(axes)
        series.legend(axes, "best")
        return figure


def draw_patience(patiences: Mapping[str, Figures]) -> Figure:
    """A curve for each size of demand, with its intervals, against the patience."""
    minutes = tuple(PATIENCES.values())
    drawn = [
        series.Curve(f"needs {name}", minutes, tuple(mean_interval(of[kind]) for of in patiences.values())) for kind, name in SIZES.items()
    ]
    with style.settings():
        figure, axes = series.sheet("What patience costs", f"{RUNS} runs each, intervals of 95 %")
        series.draw_bands(axes, drawn)
        axes.set_xscale("log")
        axes.set_xlabel("ResourcePatience, minutes")
        axes.set_ylabel("minutes until the session is created")
        axes.set_ylim(bottom=0)
        series.legend(axes, "best")
        return figure


def _patience(patiences: Mapping[str, Figures]) -> str:
    rows: list[Sequence[object]] = []
    for patience, got in patiences.items():
        worst = {kind: mean_interval(got[f"{kind} at worst"]) for kind in SIZES}
        found = {what: mean_interval(got[what]) for what in (*SIZES, "gpu")}
        waits = (spelled(each) for kind in SIZES for each in (found[kind], worst[kind]))
        rows.append((patience, *waits, f"{spelled(found['gpu'], 100)} %"))
    heads = [f"minutes, {name}{which}" for name in SIZES.values() for which in ("", ", the longest wait of a run")]
    return table(["patience", *heads, "GPUs in use"], rows)


def _limits(loads: Mapping[tuple[str, float], Figures]) -> str:
    rows: list[Sequence[object]] = []
    for load in LOADS:
        both = [loads[limit, load] for limit in LIMITS]
        rows += [
            _row(load, name, {w: mean_interval(of[w]) for w in (*DEMANDS, "gpu")}) for name, of in zip(LIMITS.values(), both, strict=True)
        ]
        rows.append(
            _row(load, "the second less the first, run by run", {w: _difference(*(of[w] for of in both)) for w in (*DEMANDS, "gpu")})
        )
    return table(["load", "", *(f"minutes, {NAMES[kind]}" for kind in DEMANDS), "GPUs in use"], rows)


def _difference(before: Sequence[float], after: Sequence[float]) -> Interval:
    """Of runs of the same luck: by how much the second is more."""
    return mean_interval([b - a for a, b in zip(before, after, strict=True)])


def _row(load: float, name: str, got: Mapping[str, Interval]) -> Sequence[object]:
    return (load, name, *(spelled(got[kind]) for kind in DEMANDS), f"{spelled(got['gpu'], 100)} %")
