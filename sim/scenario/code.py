"""Workflow code of a scenario: Python files beside it, taken by their text so that a tape stands alone.

Only load scenarios and tapes of people you trust: their Python code runs in this process.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from hashlib import blake2b
from types import ModuleType
from typing import Final

from sim.scenario.impure import PURE_BUILTINS
from sim.workflow.definition import Definition, workflow
from sim.workflow.script import SCRIPT

PREFIX: Final = "sim_scenario_"
"""Of the names of modules with workflows."""


def run_module(name: str, source: str) -> ModuleType:
    """Run a module's text. The same text gives the same module.

    Raises:
        ValueError: it cannot be run; the message says in which line.
    """
    digest = blake2b(source.encode(), digest_size=8).hexdigest()
    full = f"{PREFIX}{name.removesuffix('.py').replace('/', '_')}_{digest}"
    if full in sys.modules:
        return sys.modules[full]
    module = ModuleType(full)
    module.__file__ = name
    module.__dict__["__builtins__"] = PURE_BUILTINS
    # Dataclasses, among others, look their module up.
    sys.modules[full] = module
    try:
        exec(compile(source, name, "exec"), module.__dict__)
    except SyntaxError as error:
        del sys.modules[full]
        raise ValueError(f"{name}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:  # a module that exits must not end the command as if all were well
        del sys.modules[full]
        raise ValueError(f"{name} cannot be run: {type(error).__name__}: {error}") from error
    return module


def find_definition(reference: str, modules: Mapping[str, str]) -> Definition:
    """The workflow type behind `file.py:function`.

    Raises:
        ValueError: there is no such function, or it is no workflow.
    """
    file, _, function = reference.partition(":")
    module = run_module(file, modules[file])
    found = getattr(module, function, None)
    if isinstance(found, Definition):
        return found
    if found is None:
        known = [name for name, value in vars(module).items() if _is_workflow(value, module)]
        raise ValueError(f"{file} has no {function!r}; its workflows are {', '.join(known) or 'none'}")
    if not callable(found):
        raise ValueError(f"{reference} is no function; expected `async def {function}(ctx, argument)`")
    try:
        return workflow(found)
    except TypeError as error:
        raise ValueError(str(error)) from None


def definitions_of(references: Mapping[str, None], modules: Mapping[str, str]) -> dict[str, Definition]:
    """All workflow types by name: those referred to, those their modules define besides, and `Script`.

    Raises:
        ValueError: two of them have one name.
    """
    found: dict[str, Definition] = {SCRIPT.name: SCRIPT}
    for reference in references:
        module = run_module(reference.partition(":")[0], modules[reference.partition(":")[0]])
        others = [
            value for value in vars(module).values() if isinstance(value, Definition) and value.function.__module__ == module.__name__
        ]
        for definition in (find_definition(reference, modules), *others):
            same = found.setdefault(definition.name, definition)
            if same.function is not definition.function:
                raise ValueError(f"two workflow types are called {definition.name!r}; give one of the functions another name")
    return found


def _is_workflow(value: object, module: ModuleType) -> bool:
    if isinstance(value, Definition):
        return True
    return inspect.iscoroutinefunction(value) and value.__module__ == module.__name__
