"""Models that users write: Python files with a function that builds a `System`."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from sim.cli.exits import WrongInput
from sim.model.node import Node
from sim.model.promises import Temporal
from sim.model.system import System
from sim.model.world import Network, World

BUILDER = "build"
PREFIX = "sim_model_"
"""Of the names of modules that are models."""


def load(argument: str, settings: Sequence[str]) -> System:
    """The system of `FILE.py` or `FILE.py:NAME`, built with these `KEY=VALUE` settings.

    Raises:
        WrongInput: there is no such file or function, it fails, or a setting is none of its parameters.
    """
    file, _, name = argument.partition(":")
    path = Path(file)
    if path.suffix != ".py":
        raise WrongInput(f"{argument}: expected a model, a Python file that builds a System, such as scenarios/models/two_phase_commit.py")
    if not os.path.isfile(path):
        raise WrongInput(f"{file}: no such file")
    builder = getattr(_module(path), name or BUILDER, None)
    if not callable(builder):
        raise WrongInput(f"{file}: has no function {name or BUILDER!r}; expected one that returns a System (or name it: {file}:NAME)")
    given = dict(_setting(text) for text in settings)
    known = inspect.signature(builder).parameters
    for key, value in given.items():
        if key not in known:
            raise WrongInput(f"--set {key}: {name or BUILDER} of {file} has no such parameter; it has {', '.join(known) or 'none'}")
        given[key] = _of_kind(key, value, known[key].annotation)
    try:
        system = builder(**given)
    except (TypeError, ValueError) as error:
        raise WrongInput(f"{file}: {error}") from None
    if not isinstance(system, System):
        raise WrongInput(f"{file}: {name or BUILDER} returned {type(system).__name__}; expected a System")
    for fault in faults(system):
        raise WrongInput(f"{file}: {fault}")
    return system


def faults(system: System) -> Iterator[str]:
    """What in a system is of another kind than it has to be: what, where, and what was expected."""
    # Whoever writes a model need not have it checked for types.
    world: Any = system.world
    if not isinstance(world, World):
        yield f"world is {world!r}; expected a World"
        return
    network: Any = world.network
    if not isinstance(network, Network):
        yield f"network is {network!r}; expected one of {', '.join(map(str, Network))}"
    for name, node in world.nodes.items():
        if not isinstance(name, str) or not isinstance(node, Node) or not is_dataclass(node):
            yield f"nodes has {name!r}: {node!r}; expected names, each with an object of a dataclass that is a Node"
            return
    for name, predicate in (*system.invariants.items(), *system.goals.items()):
        if not callable(predicate) or not callable(getattr(predicate, "holds", predicate)):
            yield f"{name!r} is {predicate!r}; expected Everywhere, Pairwise, or a function of a State"
    to_come: Any = system.in_the_end
    for name, promise in to_come.items():
        if not isinstance(promise, Temporal):
            yield f"in_the_end has {name!r}: {promise!r}; expected LeadsTo, Eventually or EventuallyAlways (sim.model.promises)"
    for name in to_come.keys() & (system.invariants.keys() | system.goals.keys()):
        yield f"in_the_end has {name!r}, which is a promise or goal as well; give one of them another name"
    try:
        world.initial()
    except (TypeError, ValueError) as error:
        yield f"the first state: {error}"


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"{PREFIX}{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a model that exits must not end the command as if all were well
        raise WrongInput(f"{path}: cannot be imported: {type(error).__name__}: {error}") from None
    return module


KINDS: dict[str, tuple[Any, str]] = {
    "bool": (bool, "true or false"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "str": (str, "a text"),
}
"""By the annotation of a parameter: what a setting has to be."""


def _of_kind(key: str, value: Any, annotation: Any) -> Any:
    """The value, if it is what the parameter says that it takes; words that JSON has otherwise are taken as Python has them."""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    if name not in KINDS:
        return value
    kind, expected = KINDS[name]
    if name == "str" and not isinstance(value, str):
        return str(value)
    if name == "bool" and value in ("True", "False"):
        return value == "True"
    if not isinstance(value, kind) or (isinstance(value, bool) and name != "bool"):
        raise WrongInput(f"--set {key}: expected {expected}, got {value!r}")
    return value


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise WrongInput(f"--set {text}: expected KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
