"""Nodes whose state falls into parts that seldom have to do with each other.

A worker's state is the product of everything that goes on there; a handler looks at little of it. A class may say which
of its dicts lie apart (`Node.apart`): each entry belongs to a *part*, by its key, and so do timers and calls by their
tags (`Node.part_of`). What is left is the *rest*. A search then keeps a part on its own, and runs a handler once per
what it looked at: it is given the rest, and asks for a part (`Needed`) when it comes to one.

`split` and `joined` turn a local state into rest and parts and back. Nobody but a search knows of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sim.model.canon import Frozen, Tagged, by_key, freeze, sort_key, state_fields, thaw
from sim.model.inputs import Input, Name
from sim.model.node import Node
from sim.model.outcomes import Outcome, every
from sim.model.renaming import rename

T = TypeVar("T")
Part = Hashable
"""What a part is called; None is the rest."""
Path = tuple[str, ...]
Bundle = tuple[tuple[Path, tuple[tuple[Frozen, Frozen], ...]], ...]
"""A part's value: by path, the entries of that dict that belong to it, in the order of their keys."""


class Needed(Exception):
    """A handler came to a part that it was not given."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


def split(kind: type[Node], local: Frozen) -> tuple[Frozen, dict[Part, Bundle]]:
    """A local state as (rest, parts that have something in them)."""
    found: dict[Part, dict[Path, list[tuple[Frozen, Frozen]]]] = {}
    for path, part_of in kind.apart().items():
        rest = []
        for key, value in _items(_at(kind, local, path)):
            part = part_of(thaw(key))
            if part is None:
                rest.append((key, value))
            else:
                found.setdefault(part, {}).setdefault(path, []).append((key, value))
        local = _put(kind, local, path, Tagged((dict, *rest)))
    return local, {part: _bundle(entries) for part, entries in found.items()}


def joined(kind: type[Node], rest: Frozen, parts: Iterable[Bundle]) -> Frozen:
    """The local state that was split into these."""
    entries: dict[Path, list[tuple[Frozen, Frozen]]] = {}
    for bundle in parts:
        for path, items in bundle:
            entries.setdefault(path, []).extend(items)
    for path, more in entries.items():
        both = by_key([*_items(_at(kind, rest, path)), *more])
        rest = _put(kind, rest, path, Tagged((dict, *both)))
    return rest


def rename_bundle(bundle: Bundle, names: Mapping[str, str]) -> Bundle:
    """A part's value under other names."""
    return _bundle({path: [(rename(key, names), rename(value, names)) for key, value in items] for path, items in bundle})


def shields(kind: type[Node], part: Part, local: Frozen) -> Iterable[Hashable]:
    """What a node will do in time according to one part alone, or to the rest (or the whole, where nothing lies apart).

    Raises AttributeError when that part does not say.
    """
    if kind.shields is Node.shields:
        return ()
    if part is None:
        return kind.restored(local).shields()
    node: Any = object.__new__(kind)
    bundle = dict(local) if isinstance(local, tuple) else {}
    for path in kind.apart():
        holder, live = node, {thaw(key): thaw(value) for key, value in bundle.get(path, ())}
        for name in path[:-1]:
            # Only what is looked at has to be there.
            if not hasattr(holder, name):
                setattr(holder, name, _Hollow())
            holder = getattr(holder, name)
        setattr(holder, path[-1], live)
    return list(node.shields())


class _Hollow:
    """In place of an object of which only one dict is known."""


@dataclass(slots=True)
class Given:
    """The parts that a handler may look at. `every`: all parts that the node may have, for who goes through them all."""

    bundles: Mapping[Part, Bundle]
    every: Iterable[Part] = ()
    through: bool = False
    """Whether somebody went through them all."""

    def entries(self, part: Part, path: Path) -> tuple[tuple[Frozen, Frozen], ...]:
        """A part's entries of one dict. Raises Needed."""
        if part not in self.bundles:
            raise Needed(part)
        return next((items for at, items in self.bundles[part] if at == path), ())

    def all(self) -> Iterator[Part]:
        """Go through all parts."""
        self.through = True
        yield from self.every


class _Apart(dict[Any, Any]):
    """A dict of which entries are fetched when they are looked at. It holds what was fetched, or put in."""

    def __init__(self, path: Path, part_of: Callable[[Any], Part], rest: dict[Any, Any], given: Given) -> None:
        super().__init__(rest)
        self.path = path
        self.part_of = part_of
        self.given = given
        self.fetched: set[Part] = {None}

    def _fetch(self, part: Part) -> None:
        if part not in self.fetched:
            entries = self.given.entries(part, self.path)
            self.fetched.add(part)
            for key, value in entries:
                super().__setitem__(thaw(key), thaw(value))

    def _fetch_all(self) -> None:
        before = len(self.fetched)
        for part in self.given.all():
            self._fetch(part)
        if len(self.fetched) > before:
            # As a dict that was thawed whole: in the order of keys.
            items = sorted(super().items(), key=lambda item: sort_key(freeze(item[0])))
            super().clear()
            for key, value in items:
                super().__setitem__(key, value)

    def __getitem__(self, key: Any) -> Any:
        self._fetch(self.part_of(key))
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._fetch(self.part_of(key))
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._fetch(self.part_of(key))
        super().__delitem__(key)

    def __contains__(self, key: Any) -> bool:
        self._fetch(self.part_of(key))
        return super().__contains__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        self._fetch(self.part_of(key))
        return super().get(key, default)

    def pop(self, key: Any, *default: Any) -> Any:
        self._fetch(self.part_of(key))
        return super().pop(key, *default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._fetch(self.part_of(key))
        return super().setdefault(key, default)

    def __iter__(self) -> Iterator[Any]:
        self._fetch_all()
        return super().__iter__()

    def __len__(self) -> int:
        self._fetch_all()
        return super().__len__()

    def __bool__(self) -> bool:
        return len(self) > 0

    def keys(self) -> Any:
        self._fetch_all()
        return super().keys()

    def values(self) -> Any:
        self._fetch_all()
        return super().values()

    def items(self) -> Any:
        self._fetch_all()
        return super().items()

    def clear(self) -> None:
        self._fetch_all()
        super().clear()

    def of_rest(self) -> dict[Any, Any]:
        """The entries that belong to no part."""
        return {key: value for key, value in super().items() if self.part_of(key) is None}

    def of_parts(self) -> Iterator[tuple[Part, Frozen, Frozen]]:
        """The entries of parts that were fetched, in canonical form."""
        for key, value in super().items():
            part = self.part_of(key)
            if part is not None:
                yield part, freeze(key), freeze(value)

    def popitem(self) -> tuple[Any, Any]:
        raise TypeError("which entry a node takes must not depend on the order in which they were put in")

    def update(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError("put entries in one by one: a dict that lies apart fetches each")


@dataclass(frozen=True, slots=True)
class Partly:
    """An outcome of a handler that was given only parts of a state. `outcome.state` is the rest."""

    outcome: Outcome
    parts: Mapping[Part, Bundle]
    """What the parts are now that the handler looked at; () for those that have nothing in them."""


def outcomes_apart(kind: type[Node], me: Name, rest: Frozen, given: Given, event: Input) -> tuple[Partly, ...]:
    """All outcomes of an input, worked out with some parts of the state.

    Raises Needed when these do not suffice.
    """
    found: list[Partly] = []
    dicts: dict[Path, _Apart] = {}

    def restored() -> Node:
        node = kind.restored(rest)
        for path, part_of in kind.apart().items():
            holder = _holder(node, path)
            dicts[path] = _Apart(path, part_of, getattr(holder, path[-1]), given)
            setattr(holder, path[-1], dicts[path])
        return node

    def snapshot(node: Node) -> Frozen:
        for path, held in dicts.items():
            setattr(_holder(node, path), path[-1], held.of_rest())
        return node.snapshot()

    for result, _ in every(kind, me, event, restored, snapshot):
        touched = sorted({part for held in dicts.values() for part in held.fetched if part is not None}, key=sort_key)
        # A part that was looked at in one dict has its entries in the others as before.
        parts = {p: {path: [] if p in held.fetched else [*given.entries(p, path)] for path, held in dicts.items()} for p in touched}
        for path, held in dicts.items():
            for part, key, value in held.of_parts():
                parts[part][path].append((key, value))
        found.append(Partly(result, {part: _bundle(entries) for part, entries in parts.items()}))
    return tuple(found)


def _bundle(entries: Mapping[Path, list[tuple[Frozen, Frozen]]]) -> Bundle:
    in_order = ((path, tuple(by_key(items))) for path, items in sorted(entries.items()))
    return tuple((path, items) for path, items in in_order if items)


def _holder(node: Node, path: Path) -> Any:
    holder: Any = node
    for name in path[:-1]:
        holder = getattr(holder, name)
    return holder


def _items(form: Frozen) -> tuple[tuple[Frozen, Frozen], ...]:
    assert isinstance(form, Tagged)
    assert form[0] is dict
    return form[1:]


def _at(kind: type, local: Frozen, path: Path) -> Frozen:
    """What stands at a path of a canonical form. A node's own form has no class in front, a dataclass's has."""
    form: Any = local
    cls: Any = kind
    for name in path:
        form = form[state_fields(cls).index(name) + isinstance(form, Tagged)]
        cls = form[0]
    return form  # type: ignore[no-any-return]


def _put(kind: type, form: Any, path: Path, value: Frozen) -> Frozen:
    """The canonical form with something else at a path."""
    at = state_fields(kind).index(path[0]) + isinstance(form, Tagged)
    inner = value if len(path) == 1 else _put(form[at][0], form[at], path[1:], value)
    return type(form)((*form[:at], inner, *form[at + 1 :]))  # type: ignore[no-any-return]
