"""Workers, made: of the variant of the session protocol that their options name (its nodes, its attempts), with all that polls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.protocol.mutants import Mutant
from sim.protocol.names import activity_queue, workflow_queue
from sim.protocol.worker.bucket import TokenBucket
from sim.protocol.worker.executor import Executor
from sim.protocol.worker.node import Worker
from sim.protocol.worker.options import WorkerOptions
from sim.protocol.worker.pollers import Kind, Poller, Pollers, Slots
from sim.protocol.worker.typed_node import TypedWorker
from sim.protocol.worker.work import Behaviour
from sim.workflow.definition import Definition
from sim.workflow.sessions import CREATION_QUEUE_SUFFIX
from sim.workflow.variants import Variant

WORKERS: Final[Mapping[Variant, type[Worker]]] = {Variant.SESSIONS: Worker, Variant.HOST: TypedWorker}
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
    """A worker that is ready to be started. `identity` is unique to the object; `resource_id` is its fresh uuid."""
    sticky_name = f"{host}:{resource_id}"
    sticky_queue = workflow_queue(sticky_name)
    queues = {
        Kind.WORKFLOW: workflow_queue(task_queue),
        Kind.ACTIVITY: activity_queue(task_queue),
        Kind.CREATION: activity_queue(task_queue + CREATION_QUEUE_SUFFIX),
        Kind.RESOURCE: activity_queue(f"{resource_id}@{host}"),
    }
    pollers = Pollers(identity, queues, sticky_queue)
    _fill(pollers, options)
    executor = Executor(identity, sticky_queue, sticky_name, dict(definitions), options.sdk, options.sticky_workflow_cache_size)
    executor.mutants, executor.variant, executor.repairs = options.mutants, options.variant, options.repairs
    bucket = TokenBucket(options.sessions, options.sessions)
    made = WORKERS[options.variant]
    return made(identity, host, task_queue, resource_id, options, pollers, bucket, executor, dict(behaviours))


def _fill(pollers: Pollers, options: WorkerOptions) -> None:
    """Pollers and slots of each kind that these options ask for."""
    size = options.max_concurrent_activity_execution_size
    counts = {Kind.ACTIVITY: options.max_concurrent_activity_task_pollers}
    sizes = {Kind.ACTIVITY: size}
    if not options.disable_workflow_worker:
        counts[Kind.WORKFLOW] = options.max_concurrent_workflow_task_pollers
        sizes[Kind.WORKFLOW] = options.max_concurrent_workflow_task_execution_size
    if options.session_worker:
        deaf = Mutant.RESOURCE_QUEUE_NOT_POLLED in options.mutants
        counts |= {Kind.CREATION: 1, Kind.RESOURCE: 0 if deaf else options.max_concurrent_activity_task_pollers}
        sizes |= {Kind.CREATION: options.sessions if options.sdk.limits_creation_slots else size, Kind.RESOURCE: size}
    for kind in (Kind.WORKFLOW, Kind.ACTIVITY, Kind.CREATION, Kind.RESOURCE):
        if kind not in counts:
            continue
        first = len(pollers.pollers)
        pollers.pollers += [Poller(kind, i, first + i) for i in range(counts[kind])]
        shared = kind is Kind.RESOURCE and not options.sdk.separate_session_slots
        pollers.pools[kind] = Kind.ACTIVITY.value if shared else kind.value
        pollers.slots.setdefault(pollers.pools[kind], Slots(sizes[kind]))
    pollers.waiting = list(range(len(pollers.pollers)))
