"""Models that users write, run by the simulator: with a clock, as the scenarios of sessions are."""
