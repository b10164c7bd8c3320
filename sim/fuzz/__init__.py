"""Campaigns of random faults: many seeds of one scenario, what broke, what was covered, and what that says.

from sim import Scenario, fuzz

result = fuzz(Scenario.load("scenarios/jobqueue_small.toml"), runs=200)
"""
