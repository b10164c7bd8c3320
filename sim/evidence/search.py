"""Looks for a run that goes along a recording: follow it, and where that leads elsewhere, make an earlier choice otherwise.

A run that parts from the recording is run again, from the beginning, with a choice that could have led there made in another
way. Which choices come into question follows from what went wrong: the wrong worker had a task, because a poll came before
another, or a task before another. Everything else is tried in the order of time, the latest choice first. The search is
bounded, and never looks at how things end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sim.evidence.expected import TIMER_LATE, Expected
from sim.evidence.follow import Diverged, Follower
from sim.evidence.recording import Recording
from sim.evidence.settled import settled
from sim.evidence.steering import AHEAD, LATENESS_LIMIT, POLL, TASK, Arrival, Picked, Steering, Written
from sim.history import events as ev
from sim.history.failures import TimeoutType
from sim.protocol import messages as msg
from sim.protocol.run import COARSENESS
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun

SEED: Final = 1
"""Of what the recording tells nothing of. Any will do: a tape says which."""

MOST_RUNS: Final = 400
"""So many runs are tried for a case."""

LATE_LIMIT: Final = 1_000_000
"""A message is not dealt with later than this after it arrived, microseconds."""

READ_AHEAD: Final = 1
"""The choice that a timer was read ahead."""

RECENT: Final = 12
"""So many of the latest picks before a parting are tried otherwise."""

ALIKE: Final = 1
"""From so many runs that part from the recording at the same event in the same way the search goes on: what it would try is the same."""

Parting = tuple[str, int, str, tuple[str, str] | None] | None
"""Run, event, what the run had there, and who started what was started by a wrong worker."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run: what was forced, and where it parted from the recording (None: nowhere)."""

    forced: Mapping[str, int]
    diverged: Diverged | None
    steering: Steering
    follower: Follower
    prepared: PreparedRun


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to. `best`: the run that went along furthest; accepted if it did so to the end."""

    best: Attempt
    tries: int
    exhausted: bool
    """Whether every correction within the bounds was tried."""
    possible: tuple[str, ...]
    """What the runs had where the best one parted from the recording."""

    @property
    def accepted(self) -> bool:
        return self.best.diverged is None


def search(scenario: Scenario, recording: Recording, most_runs: int = MOST_RUNS) -> Found:
    """Look for a run of the scenario that goes along the recording."""
    attempts = [follow(scenario, recording, {})]
    best = attempts[0]
    tried = {frozenset[tuple[str, int]]()}
    parted = Counter([_parting(best)])
    stack = [(best, _corrections(best, recording))]
    while stack and best.diverged is not None and len(attempts) < most_runs:
        if attempts[-1] is best and _settled(best, recording):
            return Found(best, len(attempts), True, _possible(best, attempts))
        attempt, corrections = stack[-1]
        correction = next(corrections, None)
        if correction is None:
            stack.pop()
            continue
        forced = {**attempt.forced, **correction}
        key = frozenset(forced.items())
        if key in tried:
            continue
        tried.add(key)
        new = follow(scenario, recording, forced)
        attempts.append(new)
        if _explains_more(new, best):
            best = new
        if _further(new, attempt) and parted[_parting(new)] < ALIKE:
            parted[_parting(new)] += 1
            stack.append((new, _corrections(new, recording)))
    return Found(best, len(attempts), not stack, _possible(best, attempts))


def _parting(attempt: Attempt) -> Parting:
    """How a run parted from the recording, without when."""
    diverged = attempt.diverged
    return None if diverged is None else (diverged.run, diverged.event_id, diverged.ours.rpartition(" at ")[0], diverged.starters)


def _settled(attempt: Attempt, recording: Recording) -> bool:
    return attempt.diverged is not None and settled(recording, attempt.follower.recorder, attempt.diverged)


def _possible(best: Attempt, attempts: list[Attempt]) -> tuple[str, ...]:
    """What the runs had at the event at which the best one parted, each once."""
    there = best.diverged
    if there is None:
        return ()
    same = [a.diverged for a in attempts if a.diverged and (a.diverged.run, a.diverged.event_id) == (there.run, there.event_id)]
    return tuple(dict.fromkeys(diverged.ours for diverged in same))


def follow(scenario: Scenario, recording: Recording, forced: Mapping[str, int]) -> Attempt:
    """Run the scenario along the recording, with some choices forced."""
    follower = Follower(recording, SEED)
    steering = Steering(SEED, recording, follower, forced)
    prepared = PreparedRun(scenario, SEED, properties=(), choices=steering)
    steering.join(prepared.sim)
    follower.attach(prepared.sim)
    try:
        prepared.run()
        follower.finish()
    except Diverged as diverged:
        return Attempt(forced, diverged, steering, follower, prepared)
    return Attempt(forced, None, steering, follower, prepared)


def _explains_more(one: Attempt, other: Attempt) -> bool:
    """Whether a run has the recorded events for longer than another: one that is late has not what was due."""
    if one.diverged is None or other.diverged is None:
        return _further(one, other)
    return (one.diverged.due, one.diverged.progress) > (other.diverged.due, other.diverged.progress)


def _further(one: Attempt, other: Attempt) -> bool:
    """Whether a run goes along for longer than another."""
    if one.diverged is None or other.diverged is None:
        return one.diverged is None and other.diverged is not None
    return (one.diverged.at, one.diverged.progress) > (other.diverged.at, other.diverged.progress)


# -- what to try ------------------------------------------------------------------------------------------------------


def _corrections(attempt: Attempt, recording: Recording) -> Iterator[dict[str, int]]:
    """Choices to make otherwise, the likeliest first."""
    diverged = attempt.diverged
    if diverged is None:
        return
    if diverged.starters is not None and diverged.starters[0] != diverged.starters[1]:
        yield from _other_starter(attempt, recording, diverged, *diverged.starters)
    yield from _earlier_timers(attempt, recording, diverged)
    before = [picked for picked in attempt.steering.picked if picked.at <= diverged.at and matters(picked, attempt)]
    for picked in reversed(before[-RECENT:]):
        yield from _otherwise(picked)
    if diverged.starters is not None and diverged.starters[0] != diverged.starters[1]:
        yield from _poll_before_all(attempt, diverged, diverged.starters[0])
        yield from _poll_apart(attempt, diverged, diverged.starters[0])


def _earlier_timers(attempt: Attempt, recording: Recording, diverged: Diverged) -> Iterator[dict[str, int]]:
    """A heartbeat timeout came too soon or too late: a timer of its activity that fired before it, and found that there had been a
    heartbeat, fires when that makes the next one as late as recorded. No event tells when it did (P4.3.10, P4.3.11)."""
    record = recording.runs.get(diverged.run)
    if record is None or not 0 < diverged.event_id <= len(record.events):
        return
    theirs = record.events[diverged.event_id - 1]
    if isinstance(theirs.event, ev.ActivityTaskStarted) and diverged.event_id < len(record.events):
        # The start of an activity is written with its end.
        theirs = record.events[diverged.event_id]
    if not isinstance(theirs.event, ev.ActivityTaskTimedOut):
        return
    fires = theirs.time - COARSENESS - 2 * TIMER_LATE
    for written in reversed(_of_heartbeats(attempt, attempt.steering.written, diverged.run, theirs.scheduled)):
        if 0 < fires - written.at <= COARSENESS:
            # Written when another one fired: if the queue was loaded for that, this one is later than it may be.
            firing = {p.label: READ_AHEAD for p in attempt.steering.picked if p.is_at(written.run, AHEAD, written.at)}
            yield {written.label: fires - written.at, **firing}
    yield from _read_before(attempt, diverged)
    due = _of_heartbeats(attempt, attempt.steering.due, diverged.run, theirs.scheduled)
    if len(due) > 1 and 0 < (each := (theirs.time - due[-1].at) // (len(due) - 1)) <= LATENESS_LIMIT:
        # Each makes the next one later.
        yield {task.label: each for task in due[:-1]}


def _read_before(attempt: Attempt, diverged: Diverged) -> Iterator[dict[str, int]]:
    """A timeout came too late: a timer that fired before it had been read ahead, for another one of the shard that nobody knows of, so
    that what was written behind it had to wait for less. No event tells what attempts that have no trace ran into (P4.3.10)."""
    for picked in reversed(attempt.steering.picked):
        _, entity, what, _ = picked.label.split("|")
        if (entity, what) == (diverged.run, AHEAD) and picked.made != READ_AHEAD and picked.at < diverged.due:
            yield {picked.label: READ_AHEAD}


def _of_heartbeats(attempt: Attempt, tasks: list[Written], run: str, scheduled: int) -> list[Written]:
    """Those of these timer tasks that were for the heartbeats of an activity."""
    return [
        task
        for task in tasks
        if task.run == run
        and isinstance(task.tag, tuple)
        and (task.tag[0], task.tag[-1]) == ("written", TimeoutType.HEARTBEAT)
        and attempt.follower.scheduled_id(run, task.tag[1]) == scheduled
    ]


def matters(picked: Picked, attempt: Attempt) -> bool:
    """Whether a choice can have led anywhere: where a poll waits makes no difference before a task comes to its queue."""
    if not picked.queue or picked.waits:
        return True
    return any(handed.queue == picked.queue and handed.at >= picked.at for handed in attempt.steering.handed.values())


def _otherwise(picked: Picked) -> Iterator[dict[str, int]]:
    for option in range(picked.options):
        if option != picked.made:
            yield {picked.label: option}


def _other_starter(attempt: Attempt, recording: Recording, diverged: Diverged, theirs: str, ours: str) -> Iterator[dict[str, int]]:
    """A task went to our worker, and should go to theirs: it comes after our poll is taken, or that poll after theirs."""
    item = _item(attempt, diverged)
    if item is None:
        return
    handed, steering = attempt.steering.handed[item], attempt.steering
    expected = Expected(recording, attempt.follower)
    taken, start = expected.next_start_by(item, ours, handed.at), expected.start(item)
    after_it = []
    if taken is not None and taken + 1 - handed.at + handed.late <= LATE_LIMIT:
        after_it.append({handed.label: taken + 1 - handed.at + handed.late})
    # Not so late that it could not start when it did: then other ways are likelier.
    likely = taken is None or start is None or taken <= start.time
    if likely:
        yield from after_it
    mine = [poll for poll in steering.polls.get((handed.queue, ours), []) if poll.at <= handed.at]
    others = [poll for poll in steering.polls.get((handed.queue, theirs), []) if poll.at <= handed.at + LATE_LIMIT]
    for poll in reversed(mine):
        for other in reversed(others):
            yield from _behind(poll, other)
    if not likely:
        yield from after_it
    yield from _others_first(attempt, expected, handed, ours)


def _behind(poll: Arrival, other: Arrival) -> Iterator[dict[str, int]]:
    """A poll comes after another one."""
    late = other.at + 1 - poll.at + poll.late
    if poll.at <= other.at and late <= LATE_LIMIT:
        yield {poll.label: late}


def _others_first(attempt: Attempt, expected: Expected, handed: Arrival, ours: str) -> Iterator[dict[str, int]]:
    """Another task that our worker starts takes its poll: it comes just before this one."""
    for item, other in attempt.steering.handed.items():
        sent, start = other.at - other.late, expected.start(item)
        if other.queue == handed.queue and sent < handed.at < other.at and start is not None and start.identity == ours:
            yield {other.label: handed.at - 1 - sent}


def _poll_before_all(attempt: Attempt, diverged: Diverged, theirs: str) -> Iterator[dict[str, int]]:
    """A task went to a wrong worker, and should go to theirs: a poll of theirs comes before those of all others."""
    item, polls = _item(attempt, diverged), attempt.steering.polls
    if item is None:
        return
    handed = attempt.steering.handed[item]
    rivals = [poll for (queue, identity), there in polls.items() if queue == handed.queue and identity != theirs for poll in there]
    for other in polls.get((handed.queue, theirs), []):
        if other.at <= handed.at + LATE_LIMIT:
            yield from _all_behind([poll for poll in rivals if poll.at <= min(other.at, handed.at)], other)


def _poll_apart(attempt: Attempt, diverged: Diverged, theirs: str) -> Iterator[dict[str, int]]:
    """A task went to a wrong worker, and should go to theirs: it lands where a poll of theirs waits that shares a child's partition with
    an older one, and sees nothing else (P4.6.10)."""
    item, steering = _item(attempt, diverged), attempt.steering
    if item is None:
        return
    handed = steering.handed[item]
    lands = [picked for picked in steering.picked if picked.is_at(handed.queue, TASK, handed.at)]
    came = [poll.at for poll in steering.polls.get((handed.queue, theirs), []) if poll.at <= handed.at]
    for waits in (picked for picked in steering.picked if any(picked.is_at(handed.queue, POLL, at) for at in came)):
        for landing, place in ((one, place) for one in lands for place in range(one.options)):
            yield from ({waits.label: option, landing.label: place} for option in range(waits.options))


def _all_behind(polls: list[Arrival], other: Arrival) -> Iterator[dict[str, int]]:
    """All these polls come after another one, in their order."""
    late = {poll.label: other.at + 1 + place - poll.at + poll.late for place, poll in enumerate(sorted(polls, key=lambda poll: poll.at))}
    if len(late) > 1 and max(late.values()) <= LATE_LIMIT:
        yield late


def _item(attempt: Attempt, diverged: Diverged) -> msg.Item | None:
    """The task that was handed over last of those that it can be about."""
    found: msg.Item | None = None
    for item in attempt.steering.handed:
        activity = isinstance(item, msg.ActivityTaskItem) and attempt.follower.scheduled_id(item.run, item.ordinal)
        if item.run == diverged.task_run and activity == (diverged.activity or False):
            found = item
    return found
