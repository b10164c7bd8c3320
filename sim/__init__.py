"""session-sim: a deterministic simulator and model checker of Temporal's worker sessions."""
