"""The bucket of typed resources: nothing is given twice, all or none, nobody is passed over, nobody waits for what is free."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from sim.protocol.worker.resources import Admission, ResourceBucket
from sim.workflow.resources import Amounts, amounts, count_shapes, covers, creation_queue, shapes, spelled, waiting_queue

GPU, DISK, BOTH = amounts({"gpu": 1}), amounts({"disk": 1}), amounts({"gpu": 1, "disk": 1})
demands = st.dictionaries(st.sampled_from(["gpu", "disk", "ram"]), st.integers(1, 3), min_size=1).map(amounts)


def granted(bucket: ResourceBucket, key: int, demand: Amounts, may_wait: bool = False) -> Admission:
    """Ask, and take what is granted."""
    admission = bucket.admit(key, demand, may_wait, token_free=True)
    if admission is Admission.GRANTED:
        assert bucket.take(demand) == demand
    return admission


def test_what_fits_is_granted_and_what_does_not_waits_if_it_may() -> None:
    bucket = ResourceBucket.full(amounts({"gpu": 1, "disk": 2}))
    assert granted(bucket, 1, BOTH) is Admission.GRANTED
    assert bucket.free == {"gpu": 0, "disk": 1}
    assert granted(bucket, 2, GPU) is Admission.TURNED_AWAY
    assert granted(bucket, 2, GPU, may_wait=True) is Admission.WAITS
    assert granted(bucket, 3, amounts({"gpu": 2})) is Admission.NEVER
    assert granted(bucket, 4, amounts({"tape": 1})) is Admission.NEVER
    assert bucket.next_in_line() is None
    bucket.give_back(BOTH)
    assert bucket.next_in_line() == 2


def test_types_that_nobody_waits_for_are_given_past_the_line() -> None:
    bucket = ResourceBucket.full(amounts({"gpu": 1, "disk": 2}))
    granted(bucket, 1, GPU)
    assert granted(bucket, 2, GPU, may_wait=True) is Admission.WAITS
    assert bucket.is_open(DISK)
    assert not bucket.is_open(BOTH)
    assert granted(bucket, 3, DISK) is Admission.GRANTED


def test_who_needs_less_waits_behind_who_needs_more_of_the_same() -> None:
    bucket = ResourceBucket.full(amounts({"gpu": 2}))
    granted(bucket, 1, GPU)
    assert granted(bucket, 2, amounts({"gpu": 2}), may_wait=True) is Admission.WAITS
    assert granted(bucket, 3, GPU, may_wait=True) is Admission.WAITS
    assert bucket.next_in_line() is None
    bucket.leave(2)
    assert bucket.next_in_line() == 3


def test_of_what_there_is_plenty_nobody_waits_behind_those_who_lack_something_else() -> None:
    bucket = ResourceBucket.full(amounts({"gpu": 1, "disk": 3}))
    granted(bucket, 1, GPU)
    assert granted(bucket, 2, BOTH, may_wait=True) is Admission.WAITS
    assert granted(bucket, 3, DISK) is Admission.GRANTED
    assert granted(bucket, 4, DISK) is Admission.GRANTED
    # The third disk is set aside for who waits.
    assert granted(bucket, 5, DISK) is Admission.TURNED_AWAY
    bucket.give_back(GPU)
    assert bucket.next_in_line() == 2


def test_a_demand_has_one_place_from_its_waiting_queue_whoever_else_is_in_line() -> None:
    bucket = ResourceBucket.full(BOTH)
    granted(bucket, 1, BOTH)
    assert bucket.admit(2, DISK, may_wait=True, token_free=True) is Admission.WAITS
    assert bucket.has_place(BOTH)
    assert not bucket.has_place(DISK)
    # Whom only this host can serve comes by another queue, and may stand in line beside.
    assert bucket.admit(3, GPU, may_wait=True, token_free=True, own=True) is Admission.WAITS
    assert bucket.has_place(GPU)
    bucket.leave(2)
    assert bucket.has_place(DISK)


def test_without_a_token_nothing_is_granted() -> None:
    bucket = ResourceBucket.full(GPU)
    assert bucket.admit(1, GPU, may_wait=False, token_free=False) is Admission.TURNED_AWAY
    assert bucket.admit(1, GPU, may_wait=True, token_free=False) is Admission.WAITS


def test_demands_have_one_name_and_one_queue_each() -> None:
    assert amounts({"gpu": 2, "disk": 1, "ram": 0}) == amounts({"disk": 1, "gpu": 2})
    assert spelled(amounts({"gpu": 2, "disk": 1})) == "disk=1,gpu=2"
    assert creation_queue("q", ()) == "q__internal_session_creation"
    assert creation_queue("q", GPU) == "q/gpu=1__internal_session_creation"
    assert waiting_queue("q", GPU) == "q/gpu=1/waiting__internal_session_creation"


@given(st.dictionaries(st.sampled_from(["gpu", "disk", "ram"]), st.integers(1, 4), min_size=1))
def test_shapes_are_all_that_a_capacity_covers(capacity: dict[str, int]) -> None:
    every = list(shapes(amounts(capacity)))
    assert len(every) == len(set(every)) == count_shapes(amounts(capacity))
    assert all(covers(capacity, shape) and shape for shape in every)
    assert amounts(capacity) == every[-1]


class BucketMachine(RuleBasedStateMachine):
    """Sessions come, wait, give up and end, in any order."""

    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.size = amounts({"gpu": 2, "disk": 3})
        self.bucket = ResourceBucket.full(self.size)
        self.holders: dict[int, Amounts] = {}
        self.line: list[tuple[int, Amounts]] = []
        self.came = 0

    @rule(target=sessions, demand=demands, may_wait=st.booleans())
    def come(self, demand: Amounts, may_wait: bool) -> int:
        self.came += 1
        admission = granted(self.bucket, self.came, demand, may_wait)
        if admission is Admission.GRANTED:
            self.leaves_enough(demand, self.line)
            self.holders[self.came] = demand
        elif admission is Admission.WAITS:
            assert may_wait
            self.line.append((self.came, demand))
        else:
            assert (admission is Admission.NEVER) == (not covers(dict(self.size), demand))
        return self.came

    @rule(session=consumes(sessions))
    def go(self, session: int) -> None:
        """It ends, or gives up; then the line is looked at."""
        if session in self.holders:
            self.bucket.give_back(self.holders.pop(session))
        self.line = [place for place in self.line if place[0] != session]
        self.bucket.leave(session)
        while (key := self.bucket.next_in_line()) is not None:
            assert isinstance(key, int)
            i = next(i for i, (waiting, _) in enumerate(self.line) if waiting == key)
            demand = self.line.pop(i)[1]
            self.holders[key] = self.bucket.take(demand)
            assert self.holders[key] == demand
            self.leaves_enough(demand, self.line[:i])

    def leaves_enough(self, given: Amounts, line: list[tuple[int, Amounts]]) -> None:
        """Of what was given now there is as much left as these ask for."""
        for kind, _ in given:
            assert self.bucket.free[kind] >= self.asked(kind, line)

    @staticmethod
    def asked(kind: str, line: list[tuple[int, Amounts]]) -> int:
        return sum(dict(demand).get(kind, 0) for _, demand in line)

    @invariant()
    def nothing_is_lost_or_given_twice(self) -> None:
        for kind, has in self.size:
            held = sum(dict(demand).get(kind, 0) for demand in self.holders.values())
            assert 0 <= held <= has
            assert held + self.bucket.free[kind] == has

    @invariant()
    def whoever_waits_lacks_something(self) -> None:
        """Nobody waits for what is free and not set aside for those before."""
        for i, (_, demand) in enumerate(self.line):
            assert any(self.bucket.free[kind] - self.asked(kind, self.line[:i]) < amount for kind, amount in demand)


TestBucket = BucketMachine.TestCase
TestBucket.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
