"""Do simulated cases come out as recorded ones? `python -m tools.distribution CASES... --runs 100 --out reports/calibration`

Each recorded case with completions is simulated `--runs` times, with other seeds and with latencies learned from the *other*
cases. Recorded and simulated completions are told apart by one classifier (the variants of P7 scenario 1), from histories in
proto JSON; a G-test compares the shares of 1a, 1b and the rest. The waits for creations of one case are compared with a band
that holds 95 % of its simulated runs. Nothing is set by hand.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from scipy import stats

from sim import Scenario, run
from sim.evidence.calibrate import learn
from sim.evidence.calibrate_samples import Gathered, Recording, gather, read_recordings
from sim.evidence.case import Case, read_case
from sim.evidence.completions import completions
from sim.evidence.rebuild import scenario_of
from sim.history import events as ev
from sim.history.temporal_json import to_json
from sim.history.temporal_reader import History, read_history
from sim.model.durations import format_duration, parse_duration
from sim.workflow.sessions import CREATION_ACTIVITY

CLASSES = ("1a", "1b", "rest")
EPOCH = 1_700_000_000_000_000
SEEDS = 1_000_000
"""Seeds of one case begin so far from those of the next: equal seeds share luck."""


LONGER = 60_000_000
"""A simulated run may go on for so long after the recording's end, microseconds."""


@dataclass(frozen=True)
class Outcome:
    """A case: its variants as recorded, and of all simulated runs together; waits for creations, microseconds, sorted."""

    name: str
    recorded: dict[str, int]
    simulated: dict[str, int]
    waits: list[int]
    simulated_waits: list[list[int]]


def variants_of(histories: Sequence[History]) -> Counter[str]:
    """How often each variant occurs."""
    return Counter(variant.value for history in histories for variant in completions(history))


def waits_of(histories: Sequence[History]) -> list[int]:
    """From the scheduling of each creation activity to its first signal, microseconds, sorted."""
    waits = []
    for history in histories:
        asked: dict[str, int] = {}
        for read in history.events:
            match read.event:
                case ev.ActivityTaskScheduled(command) if command.activity_type == CREATION_ACTIVITY:
                    asked[str(command.input)] = read.time
                case ev.WorkflowExecutionSignaled(name=name) if name in asked:
                    waits.append(read.time - asked.pop(name))
                case _:
                    pass
    return sorted(waits)


def with_latencies(case: Case, latencies: dict[str, Any]) -> Scenario:
    """The case as a scenario that has time to end otherwise than it was recorded."""
    content = scenario_of(case).to_dict()
    content["until"] = format_duration(parse_duration(content["until"]) + LONGER)
    return Scenario.from_dict({**content, "latencies": latencies}, source=case.name)


def simulate(case: Case, recording: Recording, others: Gathered, runs: int, first_seed: int) -> Outcome:
    """Simulate one case with latencies learned from others."""
    scenario = with_latencies(case, learn(others, quick=True).to_tables()["latencies"])
    simulated: Counter[str] = Counter()
    waits = []
    for number in range(runs):
        result = run(scenario, first_seed + number, histories=True)
        assert result.recorder is not None
        read = [read_history(plain(to_json(recorded, EPOCH, "1.48.0"))) for recorded in result.recorder]
        simulated += variants_of(read)
        waits.append(waits_of(read))
    return Outcome(recording.name, dict(variants_of(recording.histories)), dict(simulated), waits_of(recording.histories), waits)


def plain(history: object) -> object:
    """As a file would have it."""
    return msgspec.json.decode(msgspec.json.encode(history))


def folded(counts: dict[str, int]) -> list[int]:
    """Counts of 1a, 1b, and the rest."""
    return [counts.get("1a", 0), counts.get("1b", 0), sum(n for name, n in counts.items() if name not in CLASSES)]


def g_test(recorded: dict[str, int], simulated: dict[str, int]) -> tuple[float, float]:
    """G and p of the hypothesis that the recorded completions have the simulated shares, which are uncertain, too."""
    table = np.asarray([folded(recorded), folded(simulated)])
    found = stats.chi2_contingency(table, lambda_="log-likelihood", correction=False)
    return float(found.statistic), float(found.pvalue)


def band(curves: Sequence[Sequence[int]], n: int) -> tuple[list[int], list[int]]:
    """The band from low to high that holds 95 % of the curves of `n` sorted waits whole: as many of the most extreme are left out.

    A curve is as extreme as the most extreme of its points by rank, so the band is as wide everywhere as it has to be.
    """
    whole = np.asarray([curve for curve in curves if len(curve) == n])
    ranks = np.minimum(stats.rankdata(whole, axis=0), len(whole) + 1 - stats.rankdata(whole, axis=0)).min(axis=1)
    kept = whole[np.argsort(-ranks, kind="stable")[: int(np.ceil(0.95 * len(whole)))]]
    return kept.min(axis=0).tolist(), kept.max(axis=0).tolist()


def main() -> None:
    """Compare, print, and write a report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", type=Path, metavar="CASE", help="folders with case.json, or of such folders")
    parser.add_argument("--runs", type=int, default=100, help="simulations of each case")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--waits", default="contention", help="the case whose waits for creations are compared")
    parser.add_argument("--out", type=Path, help="where to write README.md and distribution.json")
    given = parser.parse_args()
    folders = {folder.parent.name: folder.parent for path in given.cases for folder in sorted(path.rglob("case.json"))}
    recordings = read_recordings(list(folders.values()))
    samples = [gather([recording]) for recording in recordings]
    tasks = []
    for number, recording in enumerate(recordings):
        if variants_of(recording.histories) or recording.name == given.waits:
            others = Gathered()
            for index, sample in enumerate(samples):
                if index != number:
                    others.join(sample)
            tasks.append((read_case(folders[recording.name]), recording, others, given.runs, SEEDS * (number + 1)))
    with ProcessPoolExecutor(given.jobs) as pool:
        outcomes = list(pool.map(simulate, *zip(*tasks, strict=True)))
    report(outcomes, len(recordings), given.runs, given.waits, given.out)


def _never(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(f"`{o.name}` ({name})" for o in outcomes for name in o.recorded if not o.simulated.get(name))


def report(outcomes: Sequence[Outcome], recordings: int, runs: int, waits_of_case: str, out: Path | None) -> None:
    """Say how it compares."""
    recorded, simulated = Counter[str](), Counter[str]()
    for outcome in outcomes:
        recorded += Counter(outcome.recorded)
        simulated += Counter(outcome.simulated)
    g, p = g_test(recorded, simulated)
    names = sorted({*recorded, *simulated})
    lines = ["| variant | recorded | share | simulated a run | share |", "|---|---|---|---|---|"]
    for name in names:
        there, here = recorded[name], simulated[name]
        lines.append(f"| {name} | {there} | {there / recorded.total():.1%} | {here / runs:.1f} | {here / simulated.total():.1%} |")
    lines += ["", f"G-test of 1a, 1b and the rest: G = {g:.2f} on 2 degrees of freedom, p = {p:.3f}."]
    chosen = next((outcome for outcome in outcomes if outcome.name == waits_of_case), None)
    lines += ["", "Cases in which a variant was recorded that was not among the simulated ones: " + (_never(outcomes) or "none") + "."]
    said: dict[str, Any] = {"recorded": recorded, "simulated": simulated, "runs": runs, "g": g, "p": p}
    if chosen is not None:
        low, high = band(chosen.simulated_waits, len(chosen.waits))
        inside = sum(a <= wait <= b for a, wait, b in zip(low, chosen.waits, high, strict=True))
        lines += ["", f"Waits for creations of `{chosen.name}`, from the shortest, and the band that holds 95 % of its simulated runs:", ""]
        lines += ["| | recorded, ms | from, ms | to, ms |", "|---|---|---|---|"]
        for number, (wait, a, b) in enumerate(zip(chosen.waits, low, high, strict=True), 1):
            lines.append(f"| {number} | {wait / 1000:.1f} | {a / 1000:.1f} | {b / 1000:.1f} |")
        means = [sum(curve) / len(curve) for curve in chosen.simulated_waits if curve]
        low_mean, high_mean = np.quantile(means, [0.025, 0.975])
        mean = sum(chosen.waits) / len(chosen.waits)
        lines += ["", f"Their mean is {mean / 1000:.0f} ms, that of 95 % of the runs {low_mean / 1000:.0f} to {high_mean / 1000:.0f} ms."]
        lines += ["", f"{inside} of {len(chosen.waits)} lie inside."]
        said["waits"] = {"case": chosen.name, "recorded_us": chosen.waits, "from_us": low, "to_us": high, "inside": inside}
    said["cases"] = [{"name": o.name, "recorded": o.recorded, "simulated": o.simulated} for o in outcomes]
    text = "\n".join(lines)
    print(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        head = (  # what it is, and how to make it again
            f"""\
# Simulated against recorded

Made by `python -m tools.distribution CASES... --runs {runs} --out reports/calibration`: {recordings} recorded cases, {len(outcomes)} of
them with completions, each simulated {runs} times with latencies that `session-sim calibrate` learns from the others. No
parameter is set by hand. The variants are those of P7 scenario 1; `later` means that the creation activity's result came during or
after a workflow task that did not close the workflow.

"""
        )
        (out / "README.md").write_text(head + text + "\n", "utf-8")
        (out / "distribution.json").write_text(json.dumps(said, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
