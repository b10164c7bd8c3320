"""The state graph of a small model as a file, through networkx."""

from __future__ import annotations

from collections import deque
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import networkx as nx

from sim.checker.intern import Overflow
from sim.checker.liveness import Graph
from sim.model.system import System
from sim.model.world import State

MOST = 20_000
"""States that a graph may have: nobody looks at more."""


class TooLarge(ValueError):
    """There are more states than a picture can show."""


def write(system: System, path: Path, limit: int) -> None:
    """Write all states and choices as GraphML or DOT, by the file's ending.

    Raises ValueError when the ending is another one, TooLarge when there are more than `limit` states.
    """
    if path.suffix not in (".graphml", ".dot"):
        raise ValueError(f"--graph {path}: expected a file that ends in .graphml or .dot")
    graph = build(system, limit)
    if path.suffix == ".graphml":
        nx.write_graphml(graph, path)
    else:
        path.write_text(dot(graph), "utf-8")


def build(system: System, limit: int) -> nx.MultiDiGraph[int]:
    """States as nodes, numbered breadth first, with what each node of the system is in; choices as labelled edges."""
    try:
        found = Graph.of(system.world, limit)
    except Overflow:
        raise TooLarge(
            f"more than {limit:,} states, each told apart by its names; choose smaller parameters, a picture of more shows nothing"
        ) from None
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    for number, state in enumerate(found.states):
        graph.add_node(number, **_attributes(system, state))
    edges = [(number, after, choice.label()) for number, out in enumerate(found.edges) for choice, after in out]
    for key, (number, after, label) in enumerate(edges):
        graph.add_edge(number, after, key=key, label=label)
    return graph


def _attributes(system: System, state: State) -> dict[str, str | int | bool]:
    shown: dict[str, str | int | bool] = {name: _text(kind.restored(local)) for name, kind, local in state.nodes}
    broken = [name for name, invariant in system.invariants.items() if not invariant(state)]
    return {**shown, "mail": len(state.mail), "timers": len(state.timers), "broken": ", ".join(broken)}


def _text(value: Any) -> str:
    """As `repr` has it, but the same in every run: in no order of hashes, and without places in memory."""
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}({', '.join(f'{field.name}={_text(getattr(value, field.name))}' for field in fields(value))})"
    match value:
        case dict():
            return f"{{{', '.join(f'{_text(key)}: {_text(item)}' for key, item in value.items())}}}"
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(_text, value)))}}}"
        case list() | deque():
            return f"[{', '.join(map(_text, value))}]"
        case tuple():
            return f"({', '.join(map(_text, value))})"
        case _:
            return str(getattr(value, "__qualname__", None) or repr(value))


def dot(graph: nx.MultiDiGraph[int]) -> str:
    """The graph in DOT."""

    def quoted(text: object) -> str:
        return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    lines = ["digraph states {"]
    for number, attributes in graph.nodes(data=True):
        label = "\n".join(f"{key}: {value}" for key, value in attributes.items() if value != "")
        lines.append(f"  {number} [label={quoted(label)}{', color=red' if attributes['broken'] else ''}];")
    lines += [f"  {a} -> {b} [label={quoted(attributes['label'])}];" for a, b, attributes in graph.edges(data=True)]
    return "\n".join([*lines, "}", ""])
