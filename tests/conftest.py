"""Settings for all tests: hypothesis draws the same examples every time, and keeps none."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("session-sim", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("session-sim")
