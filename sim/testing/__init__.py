"""Tests of workflows: a pytest plugin that runs them under faults, and Hypothesis strategies for whatever a scenario has.

Nothing is imported from here by itself: pytest loads `sim.testing.plugin`, which loads the rest when a test needs it, and
`sim.testing.strategies` and `sim.testing.machine` need Hypothesis.
"""
