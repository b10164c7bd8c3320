"""Jobs on several processes: order, look-ahead, failures, and processes that are killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.sweep import executor as executor_module
from sim.sweep.executor import Executor, JobLost
from sim.sweep.jobs import Job, resolve


def jobs(function: str, data: object) -> Iterator[Job]:
    for item in data:  # type: ignore[attr-defined]
        yield Job(f"tests.sweep.work:{function}", item)


@pytest.fixture(scope="module")
def two() -> Iterator[Executor]:
    """One pool for all tests that do not harm it."""
    with Executor(2) as executor:
        yield executor


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_jobs(processes: int, two: Executor) -> None:
    executor = two if processes == 2 else Executor(1)
    assert [value for _, value in executor.results(jobs("square", range(500)), total=500)] == [n * n for n in range(500)]


def test_a_slow_job_holds_up_neither_others_nor_what_is_finished(two: Executor, tmp_path: Path) -> None:
    seen: list[int] = []
    marker = tmp_path / "twenty"

    def finished(_: Job, value: int) -> None:
        seen.append(value)
        if len(seen) == 20:
            marker.touch()

    data = [(str(marker), n) for n in range(40)]
    ordered = [value for _, value in two.results(jobs("slow_first", data), finished=finished)]
    assert ordered == list(range(40))
    assert sorted(seen) == ordered
    # The first is done when 20 others have been handed over, and not before.
    assert seen.index(0) >= 20


def test_jobs_of_one_process_run_in_this_one(two: Executor) -> None:
    assert [value for _, value in Executor(1).results(jobs("pid", range(3)))] == [os.getpid()] * 3
    assert os.getpid() not in [value for _, value in two.results(jobs("pid", range(3)))]


def test_what_is_submitted_may_depend_on_results(two: Executor) -> None:
    """Jobs are taken shortly before they run: whoever has enough stops giving them."""
    enough = False
    taken = 0

    def until_enough() -> Iterator[Job]:
        nonlocal taken
        while not enough:
            taken += 1
            yield Job("tests.sweep.work:nap", 0.05)

    for number, _ in enumerate(two.results(until_enough())):
        enough = number >= 20
    assert 21 <= taken <= 21 + executor_module.AHEAD * 2 * 4 * 4


def test_whoever_stops_asking_stops_the_jobs(two: Executor) -> None:
    taken = []

    def endless() -> Iterator[Job]:
        while True:
            taken.append(1)
            yield Job("tests.sweep.work:nap", 0.01)

    results = two.results(endless())
    for _, _value in results:
        break
    results.close()  # type: ignore[attr-defined]
    assert len(taken) < 100
    assert [value for _, value in two.results(jobs("square", [3]))] == [9]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_failure_comes_after_all_results_before_it(processes: int, two: Executor) -> None:
    executor = two if processes == 2 else Executor(1)
    got: list[int] = []
    with pytest.raises(ValueError, match="seven"):
        got.extend(value for _, value in executor.results(jobs("fails_at_seven", range(50))))
    assert got == list(range(7))


def test_an_exception_that_cannot_travel_says_the_same(two: Executor) -> None:
    with pytest.raises(RuntimeError, match="Stubborn: 3 3"):
        list(two.results(jobs("stubborn", [3])))


def test_whoever_cannot_keep_results_is_offered_those_that_are_there(two: Executor) -> None:
    offered: list[int] = []

    def full(job: Job, value: int) -> None:
        offered.append(value)
        if value >= 25:
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        list(two.results(jobs("square", range(100)), finished=full))
    assert max(offered) > 25


def test_a_killed_process_costs_nothing(tmp_path: object) -> None:
    data = [(f"{tmp_path}/killed", n) for n in range(40)]
    with Executor(2, prepare="tests.sweep.work:prepare") as executor:
        assert [value for _, value in executor.results(jobs("killed_once", data))] == list(range(40))
        assert [value for _, value in executor.results(jobs("prepared", range(3)))] == [True] * 3


@pytest.mark.slow
def test_a_job_that_always_kills_its_process_is_named() -> None:
    with Executor(2) as executor:
        got: list[int] = []
        with pytest.raises(JobLost, match=r"work:always_killed with 5 was killed 3 times; perhaps it needs more memory"):
            got.extend(value for _, value in executor.results(jobs("always_killed", range(20))))
        assert got == list(range(5))
        assert [value for _, value in executor.results(jobs("square", [2]))] == [4]


def test_a_name_without_a_function() -> None:
    with pytest.raises(ValueError, match=r"expected package\.module:function"):
        resolve("tests.sweep.work")


@pytest.mark.slow
def test_processes_end_with_their_parent(tmp_path: Path) -> None:
    """Also when it is killed, and can tell nobody."""
    program = (
        "import time\nfrom sim.sweep.executor import Executor, Job\nexecutor = Executor(2)\n"
        "jobs = [Job('tests.sweep.work:pid', n) for n in range(9)]\n"
        "print(*{value for _, value in executor.results(jobs)}, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(word) for word in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert children
    began = time.monotonic()
    while any(runs(child) for child in children):
        assert time.monotonic() - began < 20
        time.sleep(0.1)


def runs(process: int) -> bool:
    """Whether it is there, and not only its entry that nobody has asked for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
