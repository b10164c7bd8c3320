"""Passes over the schedule: the default one, and as few choices made otherwise as can be.

A run under a seed is the run without chance (`NO_CHANCE`) with some choices made otherwise; which ones is found by making all of
its choices in a run without chance and looking which of them are not what that run would choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from sim.model.draws import NO_CHANCE
from sim.model.durations import format_duration, parse_duration
from sim.shrink.faults import Shrinking
from sim.shrink.search import delete_items
from sim.shrink.sketch import Sketch, run_sketch
from sim.shrink.values import rounder

SHIFTS_US: Final = (1_000, 2_000, 5_000, 10_000, 50_000, 200_000, 1_000_000, 5_000_000)
"""How much earlier or later faults are tried when the default schedule alone does not do."""

MOST_CHOICES: Final = 20_000
"""A run with more choices than these is not spelled out: trying them would take hours."""


def without_chance(search: Shrinking) -> None:
    """The default schedule instead of the seed: as it is, or with faults a little earlier or later."""
    if search.value.quiet:
        return
    plain = Sketch(search.value.tables, NO_CHANCE)
    if search.consider(plain):
        return
    for number, fault in enumerate(plain.tables.get("faults", ())):
        if "at" not in fault:
            continue
        for shift in (sign * us for us in SHIFTS_US for sign in (1, -1)):
            time = parse_duration(fault["at"]) + shift
            if time >= 0:
                faults = list(plain.tables["faults"])
                faults[number] = {**fault, "at": format_duration(time)}
                if search.consider(plain.changed(faults=faults)):
                    return


def spelled_out(sketch: Sketch) -> Sketch | None:
    """The same run as one without chance, with deviations; None when it has too many choices."""
    choices = run_sketch(sketch, (), recording=True).result.tape.choices or {}
    # What arrives late is on no list of choices: only deviations say so.
    late = {label: value for label, value in sketch.deviations.items() if label not in choices}
    if len(choices) > MOST_CHOICES:
        return None
    whole = Sketch(sketch.tables, NO_CHANCE, {**late, **choices})
    return Sketch(sketch.tables, NO_CHANCE, run_sketch(whole, ()).made)


def fewer_choices(search: Shrinking) -> None:
    """Leave choices to the default schedule: all, those of one kind, those of one place, and then one by one."""
    if not search.value.quiet or not search.value.deviations:
        return
    _those_made(search)
    for part in (0, 1):
        for group in dict.fromkeys(label.split("|")[part] for label in search.value.deviations):
            labels = [label for label in search.value.deviations if label.split("|")[part] == group]
            search.consider(_leaving_out(search.value, range(len(labels)), labels))
    labels = list(search.value.deviations)
    delete_items(search, labels, partial(_leaving_out, labels=labels))


def _those_made(search: Shrinking) -> None:
    """Only the deviations that the run has met, and that change something."""
    value = search.value
    search.consider(Sketch(value.tables, value.seed, search.evidence.made))


def _leaving_out(sketch: Sketch, numbers: Sequence[int], labels: Sequence[str]) -> Sketch:
    gone = {labels[number] for number in numbers}
    return _with(sketch, {label: value for label, value in sketch.deviations.items() if label not in gone})


def _with(sketch: Sketch, deviations: Mapping[str, int]) -> Sketch:
    return Sketch(sketch.tables, sketch.seed, deviations)


def rounder_choices(search: Shrinking) -> None:
    """Rounder and smaller values of the choices that are left."""
    if not search.value.quiet:
        return
    for label in list(search.value.deviations):
        for value in rounder(search.value.deviations[label]):
            if search.consider(_with(search.value, {**search.value.deviations, label: value})):
                break


__all__ = ["fewer_choices", "rounder_choices", "spelled_out", "without_chance"]
