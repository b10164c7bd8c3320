"""The worker of each variant of the session protocol: its nodes, its attempts, the queues that it polls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.protocol.worker import node
from sim.protocol.worker.host_node import HostWorker
from sim.protocol.worker.node import Worker
from sim.protocol.worker.options import WorkerOptions
from sim.protocol.worker.work import Behaviour
from sim.workflow.definition import Definition
from sim.workflow.variants import Variant

WORKERS: Final[Mapping[Variant, type[Worker]]] = {Variant.SESSIONS: Worker, Variant.HOST: HostWorker}
"""Which class of node a worker object is. A variant derives its own, and says there what is different."""


def make_worker(
    identity: str,
    host: str,
    task_queue: str,
    resource_id: str,
    options: WorkerOptions,
    definitions: Mapping[str, Definition],
    behaviours: Mapping[str, Behaviour],
) -> Worker:
    """A worker of the variant that its options name, ready to be started.

    `identity` is unique to the object; `resource_id` is its fresh uuid.
    """
    return node.make_worker(identity, host, task_queue, resource_id, options, definitions, behaviours, WORKERS[options.variant])
