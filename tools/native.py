"""Structs and dataclasses as native classes of mypyc, in the copy of the package that is compiled (`compile.py`).

A struct of msgspec has a metaclass of its own, so mypyc would leave its class interpreted, and each look at a field would be
a look-up; a dataclass is native, but is made by an interpreted `__init__`. Here both get the methods that these libraries
would make for them, written out: made, compared, hashed, printed, pickled and taken apart as before. What is given up is
that frozen ones refuse to be changed: the sources, which nobody compiles, still see to that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

RECORD = '''"""What structs are in the compiled package."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec
from mypy_extensions import mypyc_attr


class Missing:
    """Where a default is made anew each time, and nothing was given."""


MISSING: Final[Any] = Missing()


@mypyc_attr(acyclic=True)
class Record:
    """Plain data with fields. It refers to nothing that refers to it, so the collector of cycles need not look at it."""

    __struct_fields__: ClassVar[tuple[str, ...]] = ()

    def parts(self) -> tuple[Any, ...]:
        return ()

    def __reduce__(self) -> Any:
        return type(self), self.parts()


STRUCTS: Final = (msgspec.Struct, Record)
"""Classes of all that is a struct in the sources."""


def replace(record: Any, **changes: Any) -> Any:
    """A copy with these fields changed, as `msgspec.structs.replace` has it."""
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **changes)
    cls: Any = type(record)
    return cls(**{**dict(zip(cls.__struct_fields__, record.parts())), **changes})
'''
"""The module `sim/model/record.py` of the copy."""


_FUTURE = "from __future__ import annotations\n"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name, its annotation, and the expression of its default (None: it has none), which `anew` is called each time."""

    name: str
    annotation: str
    default: str | None
    anew: bool = False


def with_native_classes(text: str, keep: frozenset[str] = frozenset()) -> str:
    """A module's source with its structs and dataclasses as native classes; those named in `keep` stay as they are."""
    lines = text.split("\n")
    found = False
    for node in reversed([node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name not in keep]):
        new = _struct(node, lines) if _is_struct(node) else _dataclass(node, lines) if _is_plain_dataclass(node) else None
        if new is not None:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            lines[first - 1 : node.end_lineno] = new
            found = True
    text = "\n".join(lines)
    imports = "from sim.model.record import MISSING, Record\n" if found else ""
    return text.replace(_FUTURE, f"{_FUTURE}from mypy_extensions import mypyc_attr\n{imports}", 1)


def parents_in(texts: Iterable[str]) -> frozenset[str]:
    """Names of the classes that have subclasses, anywhere in these modules: what they are made by is left alone."""
    classes = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
    return frozenset(ast.unparse(base).rpartition(".")[2] for node in classes for base in node.bases)


def _is_struct(node: ast.ClassDef) -> bool:
    words = {keyword.arg for keyword in node.keywords}
    return [ast.unparse(base) for base in node.bases] == ["Struct"] and words <= {"frozen"}


def _is_plain_dataclass(node: ast.ClassDef) -> bool:
    """Whether it is a dataclass without parents that have fields, or fields of which `__init__` knows nothing."""
    made = [decorator for decorator in node.decorator_list if ast.unparse(decorator).startswith("dataclass")]
    plain = {ast.unparse(base) for base in node.bases} <= {"Node", "ABC"}
    return bool(made) and plain and len(node.decorator_list) == 1 and "init=False" not in ast.unparse(node)


def _fields(node: ast.ClassDef) -> Iterator[Field]:
    for part in node.body:
        if not isinstance(part, ast.AnnAssign) or ast.unparse(part.annotation).startswith("ClassVar"):
            continue
        name, annotation, value = ast.unparse(part.target), ast.unparse(part.annotation), part.value
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
            words = {word.arg: ast.unparse(word.value) for word in value.keywords}
            if "default_factory" in words:
                yield Field(name, annotation, words["default_factory"], anew=True)
            else:
                yield Field(name, annotation, words.get("default"))
        else:
            yield Field(name, annotation, None if value is None else ast.unparse(value))


def _init(fields: list[Field], after: bool) -> list[str]:
    parameters = ["self"]
    for field in fields:
        if field.anew:
            parameters.append(f"{field.name}: Any = MISSING")
        else:
            default = "" if field.default is None else f" = {field.default}"
            parameters.append(f"{field.name}: {field.annotation}{default}")
    lines = [f"    def __init__({', '.join(parameters)}) -> None:"]
    for field in fields:
        value = f"({field.default})() if {field.name} is MISSING else {field.name}" if field.anew else field.name
        lines.append(f"        self.{field.name} = {value}")
    if after:
        lines.append("        self.__post_init__()")
    if len(lines) == 1:
        lines.append("        pass")
    return lines


def _struct(node: ast.ClassDef, lines: list[str]) -> list[str]:
    """A struct as a subclass of `Record`."""
    fields = list(_fields(node))
    names = tuple(field.name for field in fields)
    parts = f"({''.join(f'self.{name}, ' for name in names)})"
    same = " and ".join(f"self.{name} == other.{name}" for name in names) or "True"
    made = ["@mypyc_attr(acyclic=True, free_list_len=1)", f"class {node.name}(Record):"]
    made += [f"    __struct_fields__: ClassVar[tuple[str, ...]] = {names!r}", f"    __match_args__: Final = {names!r}"]
    made += [f"    {field.name}: {field.annotation}" for field in fields]
    made += _init(fields, after=False)
    made += ["    def parts(self) -> tuple[Any, ...]:", f"        return {parts}"]
    spelled = ", ".join(f"{name}={{self.{name}!r}}" for name in names)
    made += ["    def __repr__(self) -> str:", f'        return f"{node.name}({spelled})"']
    made += ["    def __eq__(self, other: object) -> bool:"]
    made += [f"        return self is other or (isinstance(other, {node.name}) and bool({same}))"]
    made += ["    def __hash__(self) -> int:", f"        return hash(({node.name!r}, {parts[1:]})"]
    return made + _methods(node, lines)


def _dataclass(node: ast.ClassDef, lines: list[str]) -> list[str]:
    """A dataclass with its `__init__` written out."""
    fields = list(_fields(node))
    decorator = node.decorator_list[0]
    words = {word.arg: ast.unparse(word.value) for word in decorator.keywords} if isinstance(decorator, ast.Call) else {}
    words.pop("slots", None)
    bases = [ast.unparse(base) for base in node.bases]
    methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    made = [f"@dataclass({', '.join(f'{word}={value}' for word, value in {'init': 'False', **words}.items())})"]
    made += [f"class {node.name}{'(' + ', '.join(bases) + ')' if bases else ''}:"]
    made += _declared(node)
    if "__init__" not in methods:
        # What is frozen is not so for the C code that mypyc makes of `__init__`.
        ignored = "  # type: ignore[misc]" if "frozen" in words else ""
        made += [line + ignored for line in _init(fields, "__post_init__" in methods)]
    made += ["    def __reduce__(self) -> Any:"]
    made += [f"        return {node.name}, ({''.join(f'self.{field.name}, ' for field in fields)})"]
    return made + _methods(node, lines)


def _declared(node: ast.ClassDef) -> list[str]:
    """The fields and class variables as they were."""
    return [f"    {ast.unparse(part)}" for part in node.body if isinstance(part, (ast.AnnAssign, ast.Assign))]


def _methods(node: ast.ClassDef, lines: list[str]) -> list[str]:
    """What else is in a class, to the letter: comments tell mypy things."""
    kept: list[str] = []
    for part in node.body:
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([part.lineno, *(decorator.lineno for decorator in part.decorator_list)])
            kept += lines[first - 1 : part.end_lineno]
    return kept
