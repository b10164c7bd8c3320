"""What happens in a step, in the words of a story: those of the node that it happens to, or else the input's own."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from sim.model.canon import thaw
from sim.model.inputs import Deliver, Fault, Fired, Input, Move, Reply, Withdrawn
from sim.model.world import Enabled, State


def told(choice: Enabled, before: State | None = None) -> str:
    """A choice in words: whose it is and what it does. `before`: the state in which it is taken, without which no node is asked."""
    return f"{choice.node}: {clause_of(choice, before)}"


def clause_of(choice: Enabled, before: State | None = None) -> str:
    """What it does."""
    clause = "" if choice.lost else _of_node(choice, before)
    return f"{'too early, ' if choice.slow else ''}{clause or of_input(choice.event, choice.lost)}"


def _of_node(choice: Enabled, before: State | None) -> str:
    """What the node says of it; empty where it is not there or says nothing."""
    there = before.nodes if before is not None else ()
    return next((kind.restored(local).clause(choice.event) for name, kind, local in there if name == choice.node), "")


def of_input(event: Input, lost: bool = False) -> str:
    """What happens to whom gets an input, in the input's own words."""
    how = "is lost" if lost else "arrives"
    match event:
        case Deliver(message=message, source=source):
            return f"{_value(message)} from {source} {how}"
        case Reply(tag=tag, message=message):
            return f"the answer to {words_of(tag)} {how}: {_value(message)}"
        case Fired(tag=tag):
            return f"timer {words_of(tag)} fires"
        case Move(label=label):
            return words_of(label)
        case Withdrawn(call=call):
            return f"{call.caller} gives up {words_of(call.tag)}"
        case Fault(kind=kind):
            return kind
        case _:
            assert_never(event)


def _value(message: object) -> str:
    message = thaw(message)
    return words_of(message) if isinstance(message, str) or type(message) is tuple else repr(message).removesuffix("()")


def words_of(tag: object) -> str:
    """The words of a tag or label, one after the other."""
    parts = tag if isinstance(tag, tuple) else (tag,)
    return " ".join(words_of(part) if isinstance(part, tuple) else str(part.value if isinstance(part, Enum) else part) for part in parts)
