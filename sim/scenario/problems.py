"""What is wrong with a scenario: all of it at once, each with its key, what was expected, and an example."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `key` leads there from the top of the file."""

    key: Key
    message: str

    def text(self) -> str:
        """For example `workers[0].count: is 0; expected at least 1, such as 2`."""
        return f"{spell(self.key)}: {self.message}" if self.key else self.message


class ScenarioError(Exception):
    """A scenario that cannot be used. `problems` are all that were found; the message names the file and each key."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            text = f"{source}: {self.problems[0].text()}"
        else:
            text = "\n".join([f"{source}: {len(self.problems)} things are wrong", *(f"  {p.text()}" for p in self.problems)])
        super().__init__(text)

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[str, tuple[Problem, ...]]]:
        return (ScenarioError, (self.source, self.problems))


def spell(key: Key) -> str:
    """A key path as a person writes it: `workers[0].count`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """`did you mean 'x'?`, or what there is."""
    spelled = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), list(spelled), n=1, cutoff=0.6)
    inside = [name for name in spelled if len(word) > 3 and word.lower() in name]
    if close or len(inside) == 1:
        return f"did you mean {spelled[(close or inside)[0]]!r}?"
    return f"known are {', '.join(sorted(known))}"


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """What pydantic found, in our words, in the order of the file's sections."""
    return [_problem(dict(e), model) for e in error.errors(include_url=False)]


def _problem(error: dict[str, Any], model: type[BaseModel]) -> Problem:
    key: Key = tuple(error["loc"])
    value = error.get("input")
    bounds = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            known = list(model_at(model, key[:-1]).model_fields)
            return Problem(key, f"there is no such key; {did_you_mean(str(key[-1]), known)}")
        case "missing":
            return Problem(key, f"is missing; {_expected(model, key)}")
        case "greater_than_equal":
            return Problem(key, f"is {value!r}; expected at least {bounds['ge']}, such as {max(1, bounds['ge'])}")
        case "less_than_equal":
            return Problem(key, f"is {value!r}; expected at most {bounds['le']}, such as {bounds['le']}")
        case "greater_than":
            return Problem(key, f"is {value!r}; expected more than {bounds['gt']}, such as {max(1, bounds['gt'])}")
        case "string_pattern_mismatch":
            return Problem(key, f"is {value!r}; expected letters, digits, '_', '.' and '-', such as \"w1\"")
        case "too_short":
            return Problem(key, f"is empty; {_expected(model, key)}")
        case "literal_error":
            return Problem(key, f"is {value!r}; expected {bounds['expected']}{_close(value, bounds['expected'])}")
        case "value_error":
            return Problem(key, str(bounds["error"]))
        case "int_type" | "int_parsing" | "int_from_float":
            return Problem(key, f"is {value!r}; expected a whole number, such as 2")
        case "bool_type" | "bool_parsing":
            return Problem(key, f"is {value!r}; expected true or false")
        case "string_type":
            return Problem(key, f'is {value!r}; expected text in quotes, such as "w1"')
        case "list_type":
            return Problem(key, f"is {_short(value)}; expected a list: [...], or for tables [[{key[-1]}]]")
        case "dict_type" | "model_type" | "model_attributes_type":
            return Problem(key, f"is {_short(value)}; expected a table: {{ key = value }}")
        case _:
            return Problem(key, f"is {_short(value)}; {error['msg'][:1].lower()}{error['msg'][1:]}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _close(value: object, expected: str) -> str:
    close = get_close_matches(str(value), [word.strip("' ") for word in expected.replace(" or ", ",").split(",")], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _expected(model: type[BaseModel], key: Key) -> str:
    """What a missing key is for, from its description."""
    info = model_at(model, key[:-1]).model_fields.get(str(key[-1]))
    if info is None:
        return "it is needed"
    example = f", such as {key[-1]} = {_toml(info.examples[0])}" if info.examples else ""
    return f"expected {info.description or 'a value'}{example}"


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def model_at(model: type[BaseModel], key: Key) -> type[BaseModel]:
    """The model that holds what `key` names; the last one met when the path leaves the models."""
    here: Any = model
    found = model
    for part in key:
        if isinstance(here, type) and issubclass(here, BaseModel):
            info = here.model_fields.get(str(part))
            here = None if info is None else info.annotation
        else:
            here = _inner(here)
        here = _plain(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            found = here
    return found


def _plain(annotation: Any) -> Any:
    """An annotation without `Annotated` and `| None`."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next((a for a in get_args(annotation) if a is not type(None)), None)
        else:
            return annotation


def _inner(annotation: Any) -> Any:
    """What a list or dict holds."""
    arguments = get_args(annotation)
    return arguments[-1] if arguments else None
