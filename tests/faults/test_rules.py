"""Rules on single messages: answers are told apart by what was asked, and of whom."""

from __future__ import annotations

from sim.model.inputs import Reply
from sim.model.spans import Exactly
from sim.simulator.places import Fate, Rule
from tests.models import puppet, stage, tell


def test_answers_by_request() -> None:
    sim = stage("a", "b")
    lost = Rule(lambda _: True, Fate.LOSE, count=None, asked=lambda request, callee: (request, callee) == ("who", "b"))
    sim.link("b", "a").rules.append(lost)
    for request in ("hello", "who"):
        puppet(sim, "b").on[request] = (("answer", "!"),)
        tell(sim, "a", ("call", "b", request, request, Exactly(10_000)))
    sim.run()
    assert [event for _, event in sim.inputs("a") if isinstance(event, Reply)] == [Reply("hello", "!")]
    assert lost.hits == 1


def test_a_call_that_was_open_before_is_not_hit_nor_counted() -> None:
    sim = stage("a", "b")
    puppet(sim, "b").on["who"] = (("answer", "!"),)
    tell(sim, "a", ("call", "b", "who", "early", Exactly(10_000)))
    lost = Rule(lambda _: True, Fate.LOSE, count=1, asked=lambda request, callee: True)
    sim.link("b", "a").rules.append(lost)
    for tag in ("late", "later"):
        tell(sim, "a", ("call", "b", "who", tag, Exactly(10_000)))
    sim.run()
    assert [event for _, event in sim.inputs("a") if isinstance(event, Reply)] == [Reply("early", "!"), Reply("later", "!")]


def test_what_is_no_call_is_never_meant() -> None:
    sim = stage("a", "b")
    rule = Rule(lambda _: True, Fate.LOSE, count=None, asked=lambda request, callee: True)
    sim.link("a", "b").rules.append(rule)
    tell(sim, "a", ("send", "b", "news"))
    sim.run()
    assert rule.hits == 0
