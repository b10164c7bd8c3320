"""Planted bugs of the protocol (see `sim.workflow.mutants`, which is where the lowest layer that needs them is)."""

from sim.workflow.mutants import Mutant, Mutants

__all__ = ["Mutant", "Mutants"]
