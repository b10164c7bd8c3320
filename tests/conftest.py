"""Settings for all tests: hypothesis draws the same examples every time, and keeps none."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("session-sim", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("session-sim")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that it is not waited for alone in the end."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)
