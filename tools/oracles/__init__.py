"""The simulated queue of sessions against queueing theory: `python -m tools.oracles --out reports/oracles`."""
