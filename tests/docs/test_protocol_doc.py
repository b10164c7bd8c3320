"""docs/PROTOCOL.md is what the code cites: every reference leads somewhere, and both have the same constants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from sim.history.commands import RetryPolicy
from sim.model.spans import MILLISECOND, MINUTE, SECOND, Exactly
from sim.protocol import queue, run, shard, workflow_task
from sim.protocol.worker import calls, creation, pollers
from sim.protocol.worker.options import WorkerOptions
from sim.workflow import sessions

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "docs" / "PROTOCOL.md"
TEXT = PROTOCOL.read_text(encoding="utf-8")
ANCHORS = re.findall(r'<a id="([^"]+)"></a>', TEXT)

# P50, P90, P95 and P99 are percentiles; there are nine sections.
REFERENCE = re.compile(r"\bP(\d(?:\.\d+)*[a-z]?)\b")
SCENARIO = re.compile(r"\bP7,? (?:scenario )?(\d+[a-e]?)\b")
CITING = ("sim/**/*.py", "scenarios/**/*", "docs/**/*", "tests/**/*.py", "tests/golden/*.txt", "*.md")


def citing_files() -> Iterator[Path]:
    for pattern in CITING:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path != Path(__file__):
                yield path


def anchors_of(text: str) -> Iterator[str]:
    """The anchors that a text's references lead to."""
    for number in (*REFERENCE.findall(text), *(f"7.{scenario}" for scenario in SCENARIO.findall(text))):
        yield "p" + number.replace(".", "-")


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("as P1.4.8 says", ["p1-4-8"]),
        ("(P1.2.2, P2.2a)", ["p1-2-2", "p2-2a"]),
        ("P4.1.4 to P4.1.6.", ["p4-1-4", "p4-1-6"]),
        ("unlike before (P3.8.3a)", ["p3-8-3a"]),
        ("(P7, 12b; P3.8.1)", ["p7", "p3-8-1", "p7-12b"]),
        ("P7 scenario 9", ["p7", "p7-9"]),
        ("the P95 of waits, in PT5S", []),
    ],
)
def test_what_counts_as_a_reference(text: str, anchors: list[str]) -> None:
    assert list(anchors_of(text)) == anchors


def test_every_reference_has_an_anchor() -> None:
    found = [(path, anchor) for path in citing_files() for anchor in anchors_of(read(path))]
    assert len({anchor for _, anchor in found}) > 80
    missing = sorted({f"{path.relative_to(ROOT)}: {anchor}" for path, anchor in found if anchor not in ANCHORS})
    assert not missing, f"no such item in {PROTOCOL.name}:\n" + "\n".join(missing)


def test_links_inside_lead_somewhere_and_anchors_are_unique() -> None:
    assert sorted(set(ANCHORS)) == sorted(ANCHORS)
    assert not set(re.findall(r"\]\(#([^)]+)\)", TEXT)) - set(ANCHORS)


def test_anchors_say_the_numbers_they_stand_at() -> None:
    shown = re.findall(r'<a id="(p\d[^"]*)"></a>\s*(?:\*\*|#+ (?:Scenario )?)?(\d[\d.]*(?: \([a-z]\))?[a-e]?(?:, step \d)?)', TEXT)
    assert len(shown) == sum(anchor[1].isdigit() for anchor in ANCHORS)
    for anchor, number in shown:
        plain = re.sub(r" \(([a-z])\)", r"\1", number).rstrip(".").replace(", step ", "-step-").replace(".", "-")
        assert anchor in (f"p{plain}", f"p7-{plain}")


@pytest.mark.parametrize("scenario", range(1, 31))
def test_every_scenario_has_a_table_of_events(scenario: int) -> None:
    section = TEXT.split(f"#### Scenario {scenario}.", 1)[1]
    assert "| cause | events |" in re.split(r"\n#+ ", section, maxsplit=1)[0]


# -- constants -----------------------------------------------------------------------------------------------------------

UNITS = {"ms": MILLISECOND, "s": SECOND, "min": MINUTE, "h": 60 * MINUTE}


def constants() -> dict[str, str]:
    """The table of section 6: name -> value."""
    section = TEXT.split("## 6. ", 1)[1].split('<a id="p7"></a>', 1)[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", section, re.MULTILINE)
    assert len(rows) == len(dict(rows)) > 50
    return dict(rows)


def durations(value: str) -> list[int]:
    """The lengths of time in a value, microseconds."""
    return [round(float(number) * UNITS[unit]) for number, unit in re.findall(r"(\d+(?:\.\d+)?) (ms|s|min|h)\b", value)]


def numbers(value: str) -> list[int]:
    return [int(number) for number in re.findall(r"(?<![\w.])\d+(?![\w.])", value)]


def names(value: str) -> list[str]:
    return re.findall(r"`([^`]+)`", value)


def policy(value: str) -> RetryPolicy:
    """A retry policy's value: first, coefficient, at most, attempts."""
    first, longest = durations(value)[:2]
    coefficient = re.search(r"×(\d+\.\d+)", value)
    assert coefficient
    assert "unlimited" in value
    return RetryPolicy(first, round(float(coefficient[1]) * 1000), longest, 0)


def us(span: object) -> int:
    assert isinstance(span, Exactly)
    return span.us


DEFAULTS = WorkerOptions()

LENGTHS = [
    ("session heartbeat timeout, default", [sessions.DEFAULT_HEARTBEAT_TIMEOUT]),
    ("session heartbeat interval, at most", [creation.MAX_HEARTBEAT_INTERVAL]),
    ("poll timeout of the client", [us(pollers.POLL_BUDGET)]),
    ("WorkerStopTimeout", [DEFAULTS.worker_stop_timeout]),
    (
        "heartbeat throttle of user activities, at most, without H",
        [DEFAULTS.max_heartbeat_throttle_interval, DEFAULTS.default_heartbeat_throttle_interval],
    ),
    ("sticky ScheduleToStart", [workflow_task.STICKY_SCHEDULE_TO_START]),
    ("sticky poller window", [queue.STICKY_WINDOW]),
    ("long poll expiration", [queue.LONG_POLL]),
]


@pytest.mark.parametrize(("name", "expected"), LENGTHS)
def test_lengths_of_time(name: str, expected: list[int]) -> None:
    assert durations(constants()[name]) == expected


COUNTS = [
    ("MaxConcurrentSessionExecutionSize", DEFAULTS.max_concurrent_session_execution_size),
    ("MaxConcurrentActivityExecutionSize", DEFAULTS.max_concurrent_activity_execution_size),
    ("activity pollers", DEFAULTS.max_concurrent_activity_task_pollers),
    ("workflow task pollers", DEFAULTS.max_concurrent_workflow_task_pollers),
    ("WorkerActivitiesPerSecond, TaskQueueActivitiesPerSecond", DEFAULTS.worker_activities_per_second),
    ("sticky cache", DEFAULTS.sticky_workflow_cache_size),
    ("partitions: read, write", queue.TaskQueue().partitions),
]


@pytest.mark.parametrize(("name", "expected"), COUNTS)
def test_counts(name: str, expected: int) -> None:
    assert numbers(constants()[name])[0] == expected


WORDS = [
    ("SCA type", [sessions.CREATION_ACTIVITY]),
    ("SKA type", [sessions.COMPLETION_ACTIVITY]),
    ("creation queue suffix", [sessions.CREATION_QUEUE_SUFFIX]),
    ("SCA not retried after", list(sessions.FATAL_TIMEOUTS)),
    ("error of a full worker", [creation.TOO_MANY]),
    ("failure at shutdown", [creation.SHUTDOWN.message, creation.SHUTDOWN.type]),
]


@pytest.mark.parametrize(("name", "expected"), WORDS)
def test_words(name: str, expected: list[str]) -> None:
    assert names(constants()[name]) == expected


def test_retry_policies() -> None:
    creations = policy(constants()["SCA retry: first, coefficient, at most, attempts"])
    assert replace(creations, non_retryable_error_types=sessions.FATAL_TIMEOUTS) == sessions.CREATION_RETRY
    default = policy(constants()["activity retry default: first, coefficient, at most, attempts"])
    assert default == RetryPolicy().with_defaults()


def test_backoffs_of_the_creation_activity() -> None:
    """P2.3 has them written out."""
    delays = [sessions.CREATION_RETRY.backoff(attempt) for attempt in range(1, 27)]
    assert delays[:4] == [1_000_000, 1_100_000, 1_210_000, 1_331_000]
    assert [round(delay / SECOND, 2) for delay in delays[24:]] == [9.85, 10]
    assert round(sum(delays[:25]) / SECOND, 1) == 98.3


def test_call_budgets() -> None:
    least, most = durations(constants()["call budget: least, most"])
    assert calls.call_budget(None) == calls.RESPOND_BUDGET == Exactly(most)
    span = calls.call_budget(Exactly(0))
    assert (getattr(span, "lo", None), getattr(span, "hi", None)) == (least, most)


def test_workflow_task_timeouts() -> None:
    default, most = durations(constants()["workflow task timeout: default, most"])
    assert default == workflow_task.DEFAULT_TIMEOUT < most
    growth, cap = durations(constants()["workflow task timeout growth, cap"])
    grown = [workflow_task.PendingTask(attempt=attempt).timeout(default) - default for attempt in (3, 4, 5, 6)]
    assert grown == [0, growth, 2 * growth, 4 * growth]
    assert workflow_task.PendingTask(attempt=40).timeout(default) == cap


def test_long_polls_end_up_to_a_sixth_early() -> None:
    share = re.search(r"1/(\d)", constants()["long poll expiration"])
    assert share
    assert queue.LONG_POLL // int(share[1]) == queue.POLL_JITTER.hi
    assert queue.LONG_POLL - queue.POLL_JITTER.hi == queue.LEAST_POLL


def test_shard_reads_and_timers() -> None:
    per_second = re.match(r"(\d+)/s", constants()["transfer and timer queue reads per shard"])
    assert per_second
    assert shard.READ_INTERVAL * int(per_second[1]) == SECOND
    precision, shift = durations(constants()["timer precision, most shift"])
    assert shift + precision == run.COARSENESS
