"""Campaigns beside simloop's: ``python -m benchmarks.fuzz.run --simloop CHECKOUT``."""
