"""Choices in words: those of the node that they happen to, or else the input's own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sim.model.inputs import Call, Deliver, Fault, Fired, Input, Move, Reply, Withdrawn
from sim.model.node import Node, Step
from sim.model.telling import of_input, told
from sim.model.world import Enabled, Network, Parcel, World


@dataclass(slots=True)
class Voter(Node):
    """Says what a vote is, and nothing of anything else."""

    votes: int

    def handle(self, event: Input, step: Step) -> None:
        raise NotImplementedError

    def clause(self, event: Input) -> str:
        return f"casts vote {self.votes + 1}" if event == Move("vote") else ""


BEFORE = World({"v": Voter(2)}, Network.BAG).initial()


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Enabled("v", Move("vote")), "v: casts vote 3"),
        (Enabled("v", Move(("abstain", 2))), "v: abstain 2"),
        (Enabled("v", Fired(("patience", ("round", 1))), slow=True), "v: too early, timer patience round 1 fires"),
        (Enabled("nobody", Move("vote")), "nobody: vote"),
        (Enabled("v", Deliver("hello", "w")), "v: hello from w arrives"),
        (Enabled("v", Deliver("hello", "w"), Parcel("w", "v", Deliver("hello", "w")), lost=True), "v: hello from w is lost"),
        (Enabled("v", Reply("ask", ("yes", 1))), "v: the answer to ask arrives: yes 1"),
    ],
)
def test_told(choice, words):
    assert told(choice, BEFORE) == words


def test_without_a_state_no_node_is_asked():
    assert told(Enabled("v", Move("vote"))) == "v: vote"


def test_the_rest():
    assert of_input(Withdrawn(Call("w", ("ask", 1)))) == "w gives up ask 1"
    assert of_input(Fault("crash")) == "crash"
