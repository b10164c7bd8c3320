"""Whether simulations stay within the states that the checker finds: ``python -m tools.agreement``."""
