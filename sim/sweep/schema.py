"""The schema of a sweep, version 1: what stands in `scenarios/sweeps/*.toml`.

What one value by itself can be asked is checked here, what depends on several in `axes` and `load`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from sim.scenario.schema import Section

MOST_CELLS: Final = 20_000
"""All are made and checked before the first run, and kept: some milliseconds, and some kilobytes, each."""
MOST_REPLICATIONS: Final = 1_000_000
Edge = int | float | str
"""An end of a range: a number, or a duration."""


def read_share(value: object) -> object:
    """A share, as 0.05 or "5%". Raises ValueError for anything else."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            raise ValueError(f'is {text!r}; expected a share, such as "5%" or 0.05') from None
    if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < 1:
        raise ValueError(f'is {value!r}; expected more than 0 and less than 1, such as "5%" or 0.05')
    return value


class AxisSection(Section):
    """A key of the scenario and the values that it takes: a list, or a range."""

    key: str = Field(min_length=1, description="a key of the scenario, as for --set", examples=["workers.w.count"])
    name: str = Field("", description="what its column is called; the key when empty")
    values: list[Any] | None = Field(None, min_length=1, description="the values, one after the other")
    start: Edge | None = Field(None, alias="from", description="a range's first value: a number, or a duration")
    stop: Edge | None = Field(None, alias="to", description="its last value")
    steps: int | None = Field(None, ge=2, description="how many values it has; not in a random design")
    scale: Literal["linear", "geometric"] = Field("linear", description="equal differences, or equal ratios")
    zip: str = Field("", description="axes with the same word here step together")


class DesignSection(Section):
    """How cells are made of the axes."""

    kind: Literal["grid", "latin_hypercube", "sobol", "uniform"] = Field("grid", description="every combination, or random points")
    points: int | None = Field(None, ge=1, le=MOST_CELLS, description="how many random points", examples=[50])
    seed: int = Field(1, ge=0, description="the luck of the points")


class PrecisionSection(Section):
    """When a cell has replications enough."""

    relative: Annotated[float, BeforeValidator(read_share)] = Field(
        strict=False, description="half the width of the 95 % interval, relative to the mean", examples=["5%"]
    )
    metrics: list[str] = Field([], description="the columns that have to be known so well; the first of the sweep when empty")
    at_least: int = Field(10, ge=2, le=MOST_REPLICATIONS, description="replications of a cell")
    at_most: int = Field(1_000, ge=2, le=MOST_REPLICATIONS, description="replications of a cell, even if it is not known well enough")


class TestSection(Section):
    """When a cell has replications enough: a claim is decided, by Wald's sequential test."""

    claim: str = Field(description="what has to be unlikely, and how unlikely", examples=["P(creation wait > 30s) < 1%"])
    margin: Annotated[float, BeforeValidator(read_share)] = Field(
        0.2, strict=False, description="how far from the claim it has to be told apart, relative to it"
    )
    at_most: int = Field(10_000, ge=2, le=MOST_REPLICATIONS, description="replications of a cell, even if it is not decided")


class SweepModel(Section):
    """A whole sweep."""

    schema_version: Literal[1] = Field(1, description="the version of this format")
    name: str = Field("", description="the sweep's name; the file's when empty")
    title: str = Field("", description="what it is, in a line")
    description: str = Field("", description="what it shows")
    scenario: str | dict[str, Any] = Field(
        description="a scenario file beside the sweep, or the scenario itself", examples=["../contention.toml"]
    )
    set: dict[str, Any] = Field({}, description="keys of the scenario that are set in every cell")
    axes: list[AxisSection] = Field([], description="what differs between cells")
    design: DesignSection = Field(DesignSection(), description="how cells are made of the axes")
    replications: int = Field(10, ge=1, le=MOST_REPLICATIONS, description="runs of every cell, each with a seed of its own")
    first_seed: int = Field(1, ge=-(1 << 62), le=1 << 62, description="the first seed; the same seeds in every cell")
    metrics: list[str] = Field([], description="columns or groups of columns; those of every run when empty")
    precision: PrecisionSection | None = Field(None, description="instead of `replications`: until the metrics are known well enough")
    test: TestSection | None = Field(None, description="instead of `replications`: until a claim is decided")
    statistics: list[str] = Field([], description="what is told of each cell besides means", examples=[["p90(creation_wait_max_s)"]])


__all__ = ["AxisSection", "DesignSection", "Edge", "PrecisionSection", "SweepModel", "TestSection", "read_share"]
