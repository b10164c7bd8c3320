"""`pytest tests/golden --rewrite` writes anew what stands below the dashes of each dialogue."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Only known when pytest is started on this folder or a file in it."""
    parser.addoption("--rewrite", action="store_true", help="write what everyone says below the dashes of the golden dialogues")


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite", default=False))
