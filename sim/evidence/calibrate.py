"""Latencies learned from recordings: from samples to a table that any scenario can take in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from sim.evidence.calibrate_busy import Together, together
from sim.evidence.calibrate_hidden import Mixture, Separated, separate, without
from sim.evidence.calibrate_laws import MOST_VALUES, Fitted, empirical, fit, thinned
from sim.evidence.calibrate_reads import told_apart
from sim.evidence.calibrate_samples import COLD, Gathered, Pair, gather, read_recordings
from sim.evidence.casefile import CaseError
from sim.history.temporal_reader import HistoryError
from sim.model.durations import format_duration
from sim.model.laws import Constant, Empirical
from sim.scenario.values import write_law

STEPS: Final = ("transfer_read", "meeting", "timer_lateness", "goroutine_wake_up", "goroutine_answer", "workflow_task", "activity_start")
"""Samples that are keys of `[latencies]` as they are."""

OTHER: Final = "other"

LEAST_FORWARDING: Final = 100.0
"""A forwarding below this, microseconds, is none that matters."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was learned. `fitted`: quantity -> law; names are keys below `[latencies]`, or activities.TYPE and arrivals.TYPE."""

    fitted: Mapping[str, Fitted]
    recordings: int
    histories: int
    pairs: int
    """How many pairs of results told what calls share; with few of them nothing is said of it."""
    with_log: bool
    """Whether workers' logs told of calls; else only sums are known, and all of each stands in one place."""
    separated: Separated | None = field(default=None, repr=False)
    together: Together | None = None
    """What values of one time have in common."""
    damaged: tuple[str, ...] = ()
    """Recordings that could not be used, each with its place and what was expected."""

    def to_json(self) -> dict[str, Any]:
        """The object that `session-sim calibrate --json` prints, without `file`."""
        return {
            "fitted": {name: fitted.to_json() for name, fitted in self.fitted.items()},
            "recordings": self.recordings,
            "histories": self.histories,
            "pairs": self.pairs,
            "with_log": self.with_log,
            "damaged": list(self.damaged),
            "busy": None if self.together is None else asdict(self.together),
        }

    def to_tables(self) -> dict[str, Any]:
        """The tables of a file of latencies, as TOML would give them."""
        tables: dict[str, Any] = {}
        for name, fitted in self.fitted.items():
            section, _, rest = name.partition(".")
            if section == "activities":
                tables.setdefault(section, {})[rest] = {"duration": write_law(fitted.law)}
            elif section == "arrivals":
                tables.setdefault(section, {})[rest] = {"every": write_law(fitted.law)}
            elif rest:
                tables.setdefault("latencies", {}).setdefault(section, {})[rest] = write_law(fitted.law)
            else:
                tables.setdefault("latencies", {})[section] = write_law(fitted.law)
        if "warming" in tables.get("latencies", {}):
            tables["latencies"]["warming"]["period"] = format_duration(COLD)
        if self.together is not None:
            busy = {"share": self.together.share, "period": format_duration(self.together.period)}
            tables.setdefault("latencies", {})["busy"] = busy
        if not self.with_log:
            # What a history tells is the whole from the server's start to the answer: it stands where the answer is made.
            latencies = tables.setdefault("latencies", {})
            nothing = write_law(Constant(0))
            polls = {"PollWorkflowTaskQueue": nothing, "PollActivityTaskQueue": nothing}
            latencies["response"] = {**latencies.get("response", {}), **polls}
            latencies["request"] = {"RespondWorkflowTaskCompleted": nothing, **latencies.get("request", {})}
        return tables


def calibrate(paths: Iterable[str | Path]) -> Calibration:
    """Learn latencies from case folders (with `case.json` and `log.jsonl`) and histories.

    What is damaged stands in the result's `damaged`, and the others are learned from all the same.

    Raises:
        HistoryError, CaseError: nothing can be read.
        ValueError: nothing was told about any latency.
    """
    damaged: list[HistoryError | CaseError] = []
    recordings = read_recordings(paths, damaged)
    if damaged and not recordings:
        raise damaged[0]
    gathered = gather(recordings)
    if not gathered.samples:
        raise ValueError("the recordings tell of no latency: no task in them was started or answered")
    learned = learn(gathered, len(recordings), sum(len(recording.histories) for recording in recordings))
    return replace(learned, damaged=tuple(map(str, damaged)))


def learn(gathered: Gathered, recordings: int = 0, histories: int = 0, quick: bool = False) -> Calibration:
    """The laws of samples. `quick`: no family is tried and no p-value computed, every law is empirical."""
    law_of = empirical if quick else fit
    samples = gathered.samples
    with_log = any(name.startswith(("response.", "cold.response")) for name in samples)
    separated = separate(gathered.pairs)
    fitted: dict[str, Fitted] = {}
    fitted.update(_requests(samples, separated, with_log, quick))
    if separated is not None:
        p = None if quick else _pairs_p(gathered.pairs)
        gaps = tuple(pair.gap for pair in gathered.pairs)
        for name, mixture in (("handling.other", separated.own), ("transaction", separated.held)):
            fitted[name] = replace(_estimated(mixture, gaps, p), n=separated.n)
    fitted.update(_responses(samples, quick))
    fitted.update(_cold(samples, separated, quick))
    if "dispatch" in samples and "transfer_read" in samples:
        fitted["forwarding"] = _forwarding(samples["dispatch"], samples["transfer_read"])
    for name in STEPS:
        sample = samples.get(name) or samples.get(f"sum.{name}")
        if sample:
            fitted[name] = law_of(sample)
    fitted.update(_reads(samples.get("transfer_read", ())))
    for name, sample in samples.items():
        if name.startswith(("activities.", "arrivals.")):
            fitted[name] = law_of(sample)
    return Calibration(fitted, recordings, histories, len(gathered.pairs), with_log, separated, together(gathered.moments, samples))


def _requests(samples: Mapping[str, Sequence[int]], separated: Separated | None, with_log: bool, quick: bool) -> dict[str, Fitted]:
    """Ways to the server by method, and of all methods together; without what calls take by themselves, if that is known."""
    prefix = "request." if with_log else "sum.request."
    by_method = {name.removeprefix(prefix): list(sample) for name, sample in samples.items() if name.startswith(prefix)}
    if with_log and by_method:
        by_method[OTHER] = [value for sample in by_method.values() for value in sample]
    found: dict[str, Fitted] = {}
    for method, sample in by_method.items():
        found[f"request.{method}"] = _way(sample, separated, quick, method != OTHER)
    return found


def _cold(samples: Mapping[str, Sequence[int]], separated: Separated | None, quick: bool) -> dict[str, Fitted]:
    """Calls soon after the start of a worker, of all kinds together; what they share and what not as with later ones."""
    found: dict[str, Fitted] = {}
    ways, answers = samples.get("cold.request"), samples.get("cold.response")
    later = [value for name, sample in samples.items() if name.startswith("response.") for value in sample]
    if ways:
        found["warming.request"] = _way(ways, separated, quick, whole=True)
    if answers:
        least = min(later or answers)
        found["warming.returning"] = (empirical if quick else fit)([max(0, value - least) for value in answers])
    return found


def _way(sample: Sequence[int], separated: Separated | None, quick: bool, whole: bool) -> Fitted:
    """The law of a way, without what calls take by themselves if that is known. `whole`: the sample is of one kind, in order."""
    if separated is None:
        return empirical(sample) if quick else fit(sample)
    return _estimated(without(sample, separated.own), sample, empirical(sample).ks_p if whole else None)


def _estimated(law: Mixture, sample: Sequence[int], p: float | None) -> Fitted:
    """A law that was not fitted to the sample itself, but estimated from it."""
    kept = law.quantiles(MOST_VALUES)
    said = {"values": len(kept), "median": kept[len(kept) // 2], "least": kept[0], "most": kept[-1]}
    return Fitted(Empirical(kept), "empirical", said, p, len(sample), tuple(sample))


def _reads(sample: Sequence[int]) -> dict[str, Fitted]:
    """What unlimited reads take, and how far others use the limit up; nothing where these cannot be told apart."""
    reads = told_apart(sample)
    others = None if reads is None else reads.by_others()
    if reads is None or others is None:
        return {}
    found: dict[str, Fitted] = {}
    for name, law in (("transfer_read", Empirical(reads.quiet)), ("reads_by_others", others)):
        said = {"values": len(law.values), "limited": round(reads.limited, 4), "least": law.values[0], "most": law.values[-1]}
        found[name] = Fitted(law, "empirical", said, empirical(sample).ks_p, len(sample), tuple(sample))
    return found


def _forwarding(dispatch: Sequence[int], read: Sequence[int]) -> Fitted:
    """What dispatches on queues that workers share take beyond the read of the transfer queue, which all have in common."""
    reads = np.asarray(thinned(read), dtype=np.float64)
    beyond = without(dispatch, Mixture(reads, np.full(len(reads), 1 / len(reads))), least=LEAST_FORWARDING)
    return _estimated(beyond, dispatch, empirical(dispatch).ks_p)


def _responses(samples: Mapping[str, Sequence[int]], quick: bool) -> dict[str, Fitted]:
    """Ways back: the least of all is taken for what they share, the rest for what each takes by itself."""
    by_method = {name.removeprefix("response."): list(s) for name, s in samples.items() if name.startswith("response.")}
    if not by_method:
        return {}
    everything = [value for sample in by_method.values() for value in sample]
    least = min(everything)
    found = {"response.other": Fitted(Constant(least), "constant", {"value": least}, None, len(everything), tuple(everything))}
    law_of = empirical if quick else fit
    for method, sample in by_method.items():
        found[f"returning.{method}"] = law_of([value - least for value in sample])
    # Of calls of all kinds together the halves are different kinds: their comparison would say nothing.
    found[f"returning.{OTHER}"] = replace(empirical([value - least for value in everything]), ks_p=None)
    return found


def _pairs_p(pairs: Sequence[Pair]) -> float | None:
    """Signed gaps of every second pair against what the others' laws give: two-sample Kolmogorov-Smirnov."""
    learned = separate(pairs[::2])
    if learned is None:
        return None
    random = np.random.Generator(np.random.PCG64(len(pairs)))
    own, held = learned.own, learned.held
    first, second = (random.choice(own.values, 10_000, p=own.weights / own.weights.sum()) for _ in range(2))
    updates = random.choice(held.values, 10_000, p=held.weights / held.weights.sum())
    simulated = np.where(second < first, -1, 1) * np.maximum(np.abs(second - first), updates)
    told = [-pair.gap if pair.overtaken else pair.gap for pair in pairs[1::2]]
    return round(float(stats.ks_2samp(told, simulated).pvalue), 4)


__all__ = ["Calibration", "calibrate", "learn"]
