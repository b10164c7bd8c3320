"""Calls between nodes: one answer or the end of the budget, never both; whoever need not answer any more gets to know."""

from __future__ import annotations

import pytest

from sim.model.inputs import Call, Deliver, Fired, NoSuchNode, Reply, Unreachable, Withdrawn
from sim.model.spans import Exactly, Overdue
from sim.simulator import outages
from sim.simulator.places import Fate, Rule
from tests.models import Logged, Order, Puppet, puppet, stage, tell

ASK: Order = ("call", "b", "?", "t", Exactly(10_000))
ASKED = (1000, Deliver("?", "a", Call("a", "t")))
WITHDRAWN = Withdrawn(Call("a", "t"))


def asking(*answers: Order, names: tuple[str, ...] = ("a", "b")) -> Logged:
    """`a` has just asked `b`, which takes a millisecond each way."""
    sim = stage(*names)
    if "b" in sim.seats:
        puppet(sim, "b").on["?"] = answers
    tell(sim, "a", ASK)
    return sim


def heard(sim: Logged, name: str) -> list[object]:
    """What a node took that was not told to it."""
    return [(time, event) for time, event in sim.inputs(name) if isinstance(event, (Deliver, Reply, Fired, Withdrawn))]


def nothing_left(sim: Logged) -> bool:
    """No open call, no timer, nothing on the agenda."""
    return sim.agenda.pending() == 0 and not any(seat.calls or seat.timers for seat in sim.seats.values())


def test_a_reply_in_time() -> None:
    sim = asking(("answer", "!"))
    sim.run()
    assert heard(sim, "b") == [ASKED]
    assert heard(sim, "a") == [(2000, Reply("t", "!"))]
    assert nothing_left(sim)
    assert (sim.messages, sim.local_messages, sim.timers_fired) == (2, 0, 0)


def test_within_a_place_a_call_takes_no_time() -> None:
    sim = stage("p/a", "p/b")
    puppet(sim, "p/b").on["?"] = (("answer", "!"),)
    tell(sim, "p/a", ("call", "p/b", "?", "t", Exactly(10)), at=5)
    sim.run()
    assert heard(sim, "p/a") == [(5, Reply("t", "!"))]
    assert (sim.messages, sim.local_messages) == (0, 2)


def test_when_the_budget_ends_the_callee_gets_to_know_and_a_late_answer_is_ignored() -> None:
    sim = asking()
    tell(sim, "b", ("answer", "too late"), at=10_500)
    sim.run()
    assert heard(sim, "a") == [(10_000, Fired("t"))]
    assert heard(sim, "b") == [ASKED, (11_000, WITHDRAWN)]
    assert nothing_left(sim)


def test_an_answer_that_is_on_its_way_when_the_budget_ends_is_ignored() -> None:
    sim = asking()
    tell(sim, "b", ("answer", "almost"), at=9_500)
    sim.run()
    assert heard(sim, "a") == [(10_000, Fired("t"))]
    assert nothing_left(sim)


def test_an_answer_at_the_very_end_of_the_budget() -> None:
    sim = asking()
    tell(sim, "b", ("answer", "just"), at=9_000)
    sim.run()
    # Both are due at 10,000; one of them happens, and always the same one.
    assert heard(sim, "a") == [(10_000, Reply("t", "just"))]
    assert nothing_left(sim)


def test_an_answer_to_an_earlier_use_of_the_tag_is_ignored() -> None:
    sim = asking()
    puppet(sim, "a").on[Fired("t")] = (ASK,)
    tell(sim, "b", ("answer", "to the first"), at=10_500)
    tell(sim, "b", ("answer", "to the second"), at=12_000)
    sim.run()
    assert heard(sim, "a") == [(10_000, Fired("t")), (13_000, Reply("t", "to the second"))]
    assert nothing_left(sim)


def test_abandon() -> None:
    sim = asking()
    tell(sim, "a", ("abandon", "t"), ("abandon", "t"), at=5000)
    tell(sim, "b", ("answer", "!"), at=5500)
    sim.run()
    assert heard(sim, "a") == []
    assert heard(sim, "b") == [ASKED, (6000, WITHDRAWN)]
    assert nothing_left(sim)


def test_a_call_whose_budget_is_disarmed_stays_open() -> None:
    sim = asking()
    tell(sim, "a", ("disarm", "t"), at=5000)
    tell(sim, "b", ("answer", "!"), at=50_000)
    sim.run()
    assert heard(sim, "a") == [(51_000, Reply("t", "!"))]


def test_an_answer_twice_is_one() -> None:
    sim = stage("a", "b")
    sim.link("b", "a").rules.append(Rule(lambda _: True, Fate.DUPLICATE))
    puppet(sim, "b").on["?"] = (("answer", "!"),)
    tell(sim, "a", ASK)
    sim.run()
    assert heard(sim, "a") == [(2000, Reply("t", "!"))]


def test_when_the_caller_is_killed_its_callee_gets_to_know() -> None:
    sim = asking()
    sim.schedule(5000, "kill", lambda: outages.kill(sim, "a"))
    tell(sim, "b", ("answer", "!"), at=7000)
    sim.run()
    assert heard(sim, "b") == [ASKED, (6000, WITHDRAWN)]
    assert heard(sim, "a") == []
    assert sim.agenda.pending() == 0


def test_when_the_machine_of_the_caller_is_lost_nobody_gets_to_know() -> None:
    sim = asking()
    sim.schedule(5000, "lose", lambda: outages.lose_machine(sim, "a"))
    sim.run()
    assert heard(sim, "b") == [ASKED]


def test_when_the_callee_is_killed_its_caller_gets_to_know() -> None:
    sim = asking()
    sim.schedule(5000, "kill", lambda: outages.kill(sim, "b"))
    sim.run()
    assert heard(sim, "a") == [(6000, Reply("t", Unreachable()))]
    assert nothing_left(sim)


def test_an_answer_sent_before_the_callee_was_killed_arrives() -> None:
    sim = asking(("answer", "!"))
    sim.schedule(1500, "kill", lambda: outages.kill(sim, "b"))
    sim.run()
    assert heard(sim, "a") == [(2000, Reply("t", "!"))]


@pytest.mark.parametrize("how", ["never there", "retired", "retired while on its way"])
def test_nobody_of_that_name(how: str) -> None:
    sim = stage("a") if how == "never there" else stage("a", "b")
    if how == "retired":
        tell(sim, "b", ("retire", "b"))
    tell(sim, "a", ASK, ("send", "b", "to nobody"))
    if how == "retired while on its way":
        tell(sim, "b", ("retire", "b"), at=500)
    sim.run()
    assert heard(sim, "a") == [(2000, Reply("t", NoSuchNode()))]
    assert nothing_left(sim)


def test_nobody_of_that_name_in_the_same_place() -> None:
    sim = stage("p/a")
    tell(sim, "p/a", ("call", "p/ghost", "?", "t", Exactly(10)))
    sim.run()
    assert heard(sim, "p/a") == [(0, Reply("t", NoSuchNode()))]


def test_a_place_that_is_down_refuses() -> None:
    sim = stage("a", "b")
    outages.stop_serving(sim, "b")
    tell(sim, "a", ASK, ("send", "b", "lost"))
    sim.run()
    assert heard(sim, "a") == [(2000, Reply("t", Unreachable()))]
    assert heard(sim, "b") == []


@pytest.mark.parametrize("name", ["b", "p/b"])
def test_a_killed_place_refuses(name: str) -> None:
    sim = stage("a")
    sim.add(name, Puppet(), "somewhere")
    outages.kill(sim, "somewhere")
    tell(sim, "a", ("call", name, "?", "t", Exactly(10_000)))
    sim.run()
    assert heard(sim, "a") == [(2000, Reply("t", Unreachable()))]


@pytest.mark.parametrize("used", [False, True])
def test_a_lost_machine_never_answers(used: bool) -> None:
    sim = stage("a", "b")
    if used:
        tell(sim, "a", ("send", "b", "hello"))
        sim.run()
    outages.lose_machine(sim, "b")
    tell(sim, "a", ASK)
    sim.run()
    assert heard(sim, "a") == [(sim.now, Fired("t"))]
    assert nothing_left(sim)


def test_an_outage_breaks_open_calls_at_both_ends() -> None:
    sim = asking()
    sim.schedule(5000, "outage", lambda: outages.stop_serving(sim, "b"))
    sim.schedule(8000, "back", lambda: outages.serve_again(sim, "b"))
    tell(sim, "b", ("answer", "!"), at=9000)
    sim.run()
    assert heard(sim, "b") == [ASKED, (5000, WITHDRAWN)]
    assert heard(sim, "a") == [(6000, Reply("t", Unreachable()))]
    assert nothing_left(sim)


# -- rules on single messages -------------------------------------------------------------------------------------------


def ruled(source: str, target: str, rule: Rule, *answers: Order) -> Logged:
    sim = stage("a", "b")
    puppet(sim, "b").on["?"] = answers or (("answer", "!"),)
    sim.link(source, target).rules.append(rule)
    tell(sim, "a", ASK)
    sim.run()
    assert nothing_left(sim)
    return sim


def anything(_: object) -> bool:
    return True


def test_a_lost_request_has_no_effect() -> None:
    sim = ruled("a", "b", Rule(lambda message: message == "?", Fate.LOSE))
    assert heard(sim, "b") == [(11_000, WITHDRAWN)]
    assert heard(sim, "a") == [(10_000, Fired("t"))]


def test_a_lost_response_had_its_effect() -> None:
    sim = ruled("b", "a", Rule(anything, Fate.LOSE))
    assert heard(sim, "b") == [ASKED, (11_000, WITHDRAWN)]
    assert heard(sim, "a") == [(10_000, Fired("t"))]


def test_a_delayed_message() -> None:
    sim = ruled("a", "b", Rule(anything, Fate.DELAY, value=3000))
    assert heard(sim, "a") == [(5000, Reply("t", "!"))]


def test_a_delayed_message_is_overtaken() -> None:
    sim = stage("a", "b")
    sim.link("a", "b").rules.append(Rule(lambda message: message == 1, Fate.DELAY, value=3000))
    tell(sim, "a", ("send", "b", 1), ("send", "b", 2))
    sim.run()
    assert heard(sim, "b") == [(1000, Deliver(2, "a")), (4000, Deliver(1, "a"))]


def test_a_duplicated_request_is_taken_twice_and_answered_once() -> None:
    sim = ruled("a", "b", Rule(lambda message: message == "?", Fate.DUPLICATE))
    assert heard(sim, "b") == [ASKED, ASKED]
    assert heard(sim, "a") == [(2000, Reply("t", "!"))]


def test_an_error_in_place_of_an_answer() -> None:
    sim = ruled("a", "b", Rule(lambda message: message == "?", Fate.ERROR, value="busy"))
    assert heard(sim, "b") == []
    assert heard(sim, "a") == [(1000, Reply("t", "busy"))]


@pytest.mark.parametrize(("source", "target", "asked"), [("a", "b", []), ("b", "a", ["?"])])
def test_a_broken_call_is_noticed_by_its_caller_only(source: str, target: str, asked: list[str]) -> None:
    sim = ruled(source, target, Rule(anything, Fate.BREAK, count=1, value=5_000))
    assert [event.message for _, event in heard(sim, "b")] == asked  # type: ignore[attr-defined]
    (answered,) = heard(sim, "a")
    assert answered[1] == Reply("t", Unreachable())
    assert answered[0] >= 5_000


def test_an_error_on_a_message_that_is_no_request_loses_it() -> None:
    sim = stage("a", "b")
    sim.link("a", "b").rules.append(Rule(anything, Fate.ERROR, value="busy"))
    tell(sim, "a", ("send", "b", 1))
    sim.run()
    assert (heard(sim, "a"), heard(sim, "b")) == ([], [])


def test_a_rule_hits_as_many_as_it_says_after_those_it_skips() -> None:
    sim = stage("a", "b")
    even = Rule(lambda message: message % 2 == 0, Fate.LOSE, count=2, skip=1)  # type: ignore[operator]
    sim.link("a", "b").rules += [even, Rule(lambda message: message == 5, Fate.DUPLICATE)]
    tell(sim, "a", *(("send", "b", i) for i in range(10)))
    sim.run()
    assert [event.message for _, event in heard(sim, "b")] == [0, 1, 3, 5, 5, 6, 7, 8, 9]  # type: ignore[misc, attr-defined]
    assert even.hits == 2


def test_an_overdue_test_of_a_budget() -> None:
    sim = asking()
    tell(sim, "a", ("holds", Overdue("t")), at=9_999)
    sim.run()
    assert puppet(sim, "a").heard[0] == ("holds", False)
