"""Which promises each repair keeps, how far that was searched, and what it costs: ``python -m tools.repairs``."""
