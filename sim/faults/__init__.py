"""Faults as data: what is done to a cluster, to whom, when, and for how long; and the plan that does it."""

from sim.faults.fault import At, AtMoment, AtRate, Fault, When
from sim.faults.kinds import KINDS, Kind
from sim.faults.moments import Moment, Moments, Sighting
from sim.faults.operations import Operations, Undo
from sim.faults.plan import Clockwork, FaultPlan

__all__ = [
    "KINDS", "At", "AtMoment", "AtRate", "Clockwork", "Fault", "FaultPlan", "Kind", "Moment", "Moments", "Operations", "Sighting",
    "Undo", "When",
]  # fmt: skip
