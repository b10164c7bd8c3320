"""`sim.model.canon` gives the forms that the plain algorithm gives: the same values, of the same classes, in the same order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sim.model import canon, renaming
from sim.model.canon import Frozen, Tagged
from sim.model.inputs import Call
from sim.model.words import Words
from tests.model import plain_canon as plain
from tests.model.test_canon import ATOMS, DATA, KEYS, Box, Colour, Pair, Sealed, typed

NUMBERS = st.integers(-(1 << 70), 1 << 70) | st.sampled_from(
    [-(1 << 63), -(1 << 63) - 1, (1 << 63) - 1, 1 << 63, 10**20, 10**20 - (1 << 63)]
)
TEXTS = st.text(alphabet="ab!~'\"\\ \n", max_size=3)
MIXED = st.booleans() | st.integers(0, 2) | st.floats(0, 2) | TEXTS
"""Of which many are equal, and of different classes."""


@dataclass(slots=True)
class Split:
    """State before and behind a cache."""

    first: Any
    known: list[int] = field(default_factory=list, metadata={"cache": True})
    last: Any = None


@dataclass
class Open:
    """Without slots, and put in order when it is made, which is no business of a snapshot's."""

    content: Any

    def __post_init__(self) -> None:
        self.content = (self.content,)


@dataclass(slots=True, kw_only=True)
class Named:
    left: Any
    right: Any


def _structs(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    structs = st.builds(Split, inner, last=inner) | st.builds(Open, inner) | st.builds(Named, left=inner, right=inner)
    structs |= st.builds(Pair, MIXED, MIXED) | st.builds(Sealed, MIXED) | st.builds(Sealed, st.tuples(MIXED, MIXED))
    return structs | st.builds(Call, TEXTS, KEYS, st.integers(0, 3)) | st.builds(Box, inner)


SEVERAL = (
    st.dictionaries(NUMBERS, ATOMS, max_size=5)
    | st.dictionaries(TEXTS, MIXED, max_size=5)
    | st.dictionaries(st.tuples(TEXTS, st.sampled_from(Colour)), MIXED, max_size=5)
    | st.sets(NUMBERS, max_size=5)
    | st.frozensets(TEXTS, max_size=5)
    | st.sets(MIXED, max_size=5)
)
ALL = DATA | SEVERAL | st.recursive(DATA | SEVERAL, _structs, max_leaves=6)


def exact(form: Frozen) -> str:
    """What tells forms apart that are equal only because 1 and True are; calls show their serial."""
    return repr(form) + repr(typed(form))


@given(ALL)
def test_freezing(value: Any) -> None:
    assert exact(canon.freeze(value)) == exact(plain.freeze(value))
    # And once more, when all that is kept is known.
    assert exact(canon.freeze(value)) == exact(plain.freeze(value))


@given(ALL)
def test_thawing(value: Any) -> None:
    form = plain.freeze(value)
    for known in (form, canon.freeze(value)):
        live = canon.thaw(known)
        assert repr(live) == repr(plain.thaw(form))
        assert exact(canon.freeze(live)) == exact(form)


@given(ALL)
def test_thawed_values_do_not_share_what_can_change(value: Any) -> None:
    form = canon.freeze([value, Split(value)])
    before = exact(form)
    one, other = canon.thaw(form), canon.thaw(form)
    one.append(1)
    one[1].first = one[1].last = one[1].known = "changed"
    assert exact(canon.freeze(other)) == exact(form) == before


@given(ALL, st.sampled_from([{}, {"a": "b", "b": "a"}, {"a": "@", "b": "@"}, {"a": "a!", "b": "'"}]))
def test_renaming(value: Any, names: dict[str, str]) -> None:
    form = canon.freeze(value)
    words = Words(names)
    for new in (names, words, words):
        assert exact(renaming.rename(form, new)) == exact(plain.rename(form, new))
    # What has been renamed already, with its names made equal, is put in order like anything else.
    merged = plain.rename(form, {"a": "@", "b": "@"})
    assert exact(renaming.rename(merged, {"@": "b"})) == exact(plain.rename(merged, {"@": "b"}))


@given(st.lists(MIXED | NUMBERS, max_size=6), st.data())
def test_order(values: list[Any], data: st.DataObject) -> None:
    keys = [data.draw(st.sampled_from(values)) for _ in values] if data.draw(st.booleans()) else values
    assert exact(tuple(canon.in_order([*keys], keys))) == exact(tuple(sorted(keys, key=plain.sort_key)))


def test_what_is_renamed_to_itself_stays_the_same_object() -> None:
    form = canon.freeze(Split({"x": [1, Pair("y", 2)]}, last=("z", {3})))
    assert renaming.rename(form, {"a": "b"}) is form
    assert isinstance(form, Tagged)
