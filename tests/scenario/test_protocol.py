"""`protocol` chooses the variant of the session protocol, and the default is as if nothing could be chosen."""

from __future__ import annotations

from typing import Any

import pytest

from sim import Scenario
from sim.protocol.worker.variants import WORKERS
from sim.scenario.problems import ScenarioError
from sim.scenario.workers import worker_plans
from sim.workflow.framework import FRAMEWORKS
from sim.workflow.variants import Variant

TABLES: dict[str, Any] = {
    "workers": [{"name": "w"}],
    "workflows": [{"id": "job", "program": [{"op": "create", "as": "s", "creation": "60s", "execution": "600s"}]}],
}


def test_every_variant_has_a_framework_and_a_worker() -> None:
    assert set(FRAMEWORKS) == set(WORKERS) == set(Variant)


@pytest.mark.parametrize("variant", Variant)
def test_workers_speak_what_the_scenario_says(variant: Variant) -> None:
    scenario = Scenario.from_dict({**TABLES, "protocol": variant.value})
    assert [plan.spec.options.variant for plan in worker_plans(scenario.model)] == [variant]
    assert Scenario.from_dict(scenario.to_dict()).model.protocol == variant.value


def test_the_default_is_not_spelled_out() -> None:
    """It came later than the digests that stores and tapes have."""
    scenario = Scenario.from_dict(TABLES)
    assert scenario.model.protocol == "sessions"
    assert "protocol" not in scenario.to_dict()
    assert scenario.digest == Scenario.from_dict({**TABLES, "protocol": "sessions"}).digest


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ScenarioError, match="protocol"):
        Scenario.from_dict({**TABLES, "protocol": "hosts"})
