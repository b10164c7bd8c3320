"""Moments of a protocol that faults can name. The protocol's side fills the registry; this side knows no protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.model.inputs import Name

Reader = Callable[[Name, object], Iterable[Mapping[str, Any]]]


def own_fields(node: Name, observation: object) -> Iterable[Mapping[str, Any]]:
    """One sighting, with the observation's own fields."""
    names: tuple[str, ...] = getattr(observation, "__struct_fields__", ())
    return ({name: getattr(observation, name) for name in names},)


@dataclass(frozen=True, slots=True)
class Moment:
    """Observations of a class with these fields.

    `read` turns one observation into sightings: the fields that `where` and the user's own filter speak of, those of the
    observation itself among them. An observation may hold several (a transaction writes several history events), or none.
    """

    name: str
    observation: type
    where: Mapping[str, Any] = field(default_factory=dict)
    sentence: str = ""
    read: Reader = own_fields

    def sightings(self, node: Name, observation: object, where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The fields of every sighting of this moment in an observation that also has what the user asks for."""
        # What an observation has itself all its sightings have: so most are ruled out.
        for fields in (self.where, where):
            for name, value in fields.items():
                if getattr(observation, name, value) != value:
                    return []
        return [f for f in self.read(node, observation) if _has(f, self.where) and _has(f, where)]


def _has(fields: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(name in fields and fields[name] == value for name, value in where.items())


class Moments:
    """Moments by name."""

    def __init__(self, moments: Iterable[Moment]) -> None:
        self._by_name = {moment.name: moment for moment in moments}

    def __getitem__(self, name: str) -> Moment:
        """The moment of this name; KeyError when there is none."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they were given."""
        return list(self._by_name)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A moment was seen: at which node, and the fields of it."""

    time: int
    node: Name
    fields: Mapping[str, Any]
