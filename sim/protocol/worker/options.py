"""Options of a worker, with the Go SDK's names and defaults. Lengths of time in integer microseconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.protocol.mutants import Mutants
from sim.protocol.pace import AT_ONCE, Pace
from sim.workflow.sdk import DEFAULT_SDK_VERSION, SdkVersion
from sim.workflow.variants import Variant

DEFAULT_SIZE = 1000
DEFAULT_RATE = 100_000


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """`worker.Options` of the Go SDK, as far as it is modelled."""

    enable_session_worker: bool = True
    max_concurrent_session_execution_size: int = DEFAULT_SIZE
    max_concurrent_activity_execution_size: int = DEFAULT_SIZE
    max_concurrent_workflow_task_execution_size: int = DEFAULT_SIZE
    max_concurrent_activity_task_pollers: int = 2
    max_concurrent_workflow_task_pollers: int = 2
    worker_activities_per_second: int = DEFAULT_RATE
    worker_stop_timeout: int = 0
    disable_workflow_worker: bool = False
    local_activity_worker_only: bool = False
    sticky_workflow_cache_size: int = 10_000
    max_heartbeat_throttle_interval: int = 60_000_000
    default_heartbeat_throttle_interval: int = 30_000_000
    resource_id: str = ""
    """Of host sessions: what its host is known by, the same at every start; the host's name when empty."""
    asks_for_system_info: bool = False
    """Whether a creation activity asks the server what it can before it signals, as the SDK's does (P2.2d). It costs a step, and
    shows only where the server cannot be reached: so it is left out unless somebody wants it."""
    sdk: SdkVersion = field(default_factory=lambda: SdkVersion.parse(DEFAULT_SDK_VERSION))
    mutants: Mutants = ()
    """Planted bugs (`sim.protocol.mutants`): no option of the SDK; empty but in tests of properties."""
    pace: Pace = AT_ONCE
    """How long the worker's own steps take: no option either."""
    variant: Variant = Variant.SESSIONS
    """Which variant of the session protocol it speaks: the scenario's `protocol`."""

    @property
    def sessions(self) -> int:
        """The number of tokens: 0 means the default (P3.2.2)."""
        return self.max_concurrent_session_execution_size or DEFAULT_SIZE

    @property
    def session_worker(self) -> bool:
        """Whether a session worker is made (P3.1.2)."""
        return self.enable_session_worker and not self.local_activity_worker_only
