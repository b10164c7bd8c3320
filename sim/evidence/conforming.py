"""Could this protocol have produced what a real cluster did? Trace validation of recorded cases.

A case is *accepted* when a tape exists that runs without the recording and writes the recorded histories, under the
normalisation of `sim.evidence.normal`, and in which the workers see what they logged. It is *rejected* when no choice within the
bounds explains an event, and *undecided* when the limit of tries was reached before that was known.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sim.evidence.case import Case, CaseError, read_case
from sim.evidence.follow import TOLERANCE, Diverged, Follower
from sim.evidence.normal import Comparison, Difference
from sim.evidence.rebuild import scenario_of
from sim.evidence.recording import Recording
from sim.evidence.result import CaseResult, ConformResult, Rejection, Verdict
from sim.evidence.search import MOST_RUNS, SEED, Attempt, Found, search
from sim.evidence.witness import Unseen, Witness
from sim.history.recorder import Recorder
from sim.history.temporal_json import to_json
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun

Progress = Callable[[str], None]
Done = Callable[[CaseResult], None]


def conform(
    paths: Iterable[str | Path],
    *,
    with_log: bool = True,
    most_tries: int = MOST_RUNS,
    progress: Progress = lambda name: None,
    done: Done = lambda result: None,
) -> ConformResult:
    """Judge recorded cases. A folder that is no case, or a damaged one, or has something that this simulator does not do, is
    one of the results, with what is wrong with it.

    Args:
        paths: folders of cases, each with a case.json, or folders of such folders.
        with_log: take the workers' logs into account; without them only histories are followed.
        most_tries: how often the cluster of a case is run at most.
        progress: called with a case's name before it is judged.
        done: called with the result of each case as soon as there is one.
    """
    results = []
    for path in paths:
        for result in _results(path, with_log, most_tries, progress):
            done(result)
            results.append(result)
    return ConformResult(tuple(results))


def _results(path: str | Path, with_log: bool, most_tries: int, progress: Progress) -> Iterator[CaseResult]:
    """What becomes of the cases of one path."""
    try:
        folders = case_folders([path])
    except CaseError as error:
        yield _damaged(str(path), error)
        return
    for folder in folders:
        try:
            case = read_case(folder, with_log)
            progress(case.name)
            result = judge(case, most_tries)
        except CaseError as error:
            result = _damaged(folder.name or str(path), error)
        yield result


def _damaged(name: str, error: CaseError) -> CaseResult:
    return CaseResult(name, Verdict.DAMAGED, 0, 0, None, None, None, str(error))


def case_folders(paths: Iterable[str | Path]) -> list[Path]:
    """The folders that hold a case, in the order given; a folder of cases stands for those in it, by name.

    Raises:
        CaseError: a path holds no case.
    """
    folders: list[Path] = []
    for path in map(Path, paths):
        if os.path.exists(path / "case.json") or not os.path.isdir(path):
            folders.append(path)
            continue
        inside = sorted(file.parent for file in path.glob("*/case.json"))
        if not inside:
            raise CaseError(f"{path}: holds no case; expected a case.json in it, or folders with one")
        folders.extend(inside)
    return folders


def judge(case: Case, most_tries: int = MOST_RUNS) -> CaseResult:
    """Judge one case."""
    scenario, recording = scenario_of(case), Recording(case)
    found = search(scenario, recording, most_tries)
    if found.accepted:
        return _verify(case, scenario, recording, found)
    rejection = _first_rejection(case, recording, found)
    verdict = Verdict.REJECTED if found.exhausted or rejection.strict else Verdict.UNDECIDED
    return CaseResult(case.name, verdict, len(case.runs), found.tries, None, rejection, None)


# -- acceptance -------------------------------------------------------------------------------------------------------


def _verify(case: Case, scenario: Scenario, recording: Recording, found: Found) -> CaseResult:
    """Run the tape without the recording, and compare everything that it writes."""
    deviations = found.best.steering.deviations
    prepared = PreparedRun(scenario, SEED, deviations, properties=())
    follower = Follower(recording, SEED)
    witness = Witness(recording, follower)
    follower.attach(prepared.sim)
    witness.attach(prepared.sim)
    comparison = Comparison(TOLERANCE)
    rejection: Rejection | None = None
    try:
        prepared.run()
        follower.finish()
        rejection = _strictly(case, recording, follower.recorder, comparison)
        witness.check()
    except Diverged as diverged:
        raise AssertionError(f"{case.name}: its tape leads elsewhere than the run it was made of: {diverged}") from None
    except Unseen as unseen:
        rejection = rejection or Rejection(unseen.run, unseen.event_id, unseen.recorded, (unseen.ours,), strict=True)
    tape = prepared.result(False, None).tape if rejection is None else None
    verdict = Verdict.ACCEPTED if rejection is None else Verdict.REJECTED
    return CaseResult(case.name, verdict, len(case.runs), found.tries, comparison.largest / 1000, rejection, tape)


def _strictly(case: Case, recording: Recording, recorder: Recorder, comparison: Comparison) -> Rejection | None:
    """The earliest difference between the recorded histories and those of a run, as far as it came."""
    first: tuple[int, Rejection] | None = None
    for run in case.runs:
        record = recording.runs[recording.names[run.history.run_id]]
        if record.name not in recorder:
            continue
        ours = to_json(recorder[record.name], case.t0 - recording.offset, case.sdk, run.workflow_id)
        theirs = {"events": run.history.raw["events"][: len(ours["events"])]}
        difference = comparison.first_difference(theirs, ours, 0)
        if difference is not None:
            at = record.events[min(difference.event_id, len(record.events)) - 1].time
            if first is None or at < first[0]:
                first = at, _rejection(record.name, difference)
    return first[1] if first is not None else None


def _rejection(run: str, difference: Difference) -> Rejection:
    recorded = f"{difference.where} = {difference.recorded}"
    return Rejection(run, difference.event_id, recorded, (f"{difference.where} = {difference.simulated}",), strict=True)


# -- rejection --------------------------------------------------------------------------------------------------------


def _first_rejection(case: Case, recording: Recording, found: Found) -> Rejection:
    """What the furthest run does not explain: a value in an event that it wrote, or else the event at which it parted."""
    best: Attempt = found.best
    diverged = best.diverged
    assert diverged is not None
    strict = _strictly_before(case, recording, best.follower.recorder, diverged)
    return strict or Rejection(diverged.run, diverged.event_id, diverged.recorded, found.possible, strict=False)


def _strictly_before(case: Case, recording: Recording, recorder: Recorder, diverged: Diverged) -> Rejection | None:
    """A difference of values before the event at which a run parted from the recording; that event itself was told already."""
    events = recorder[diverged.run].events if diverged.run in recorder else []
    del events[diverged.event_id - 1 :]
    return _strictly(case, recording, recorder, Comparison(TOLERANCE))


__all__ = ["CaseResult", "ConformResult", "Rejection", "Verdict", "case_folders", "conform", "judge"]
