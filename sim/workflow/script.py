"""Workflows as data: the interpreter of small programs.

A program is a list of steps, run in order. The first error that a step does not `ignore` ends it and is returned, after
the deferred completions ran in reverse order. The steps are those of `docs/reference/programs.md`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from sim.history.commands import RetryPolicy
from sim.model.durations import parse_duration
from sim.workflow.activities import ActivityOptions, with_activity_options
from sim.workflow.api import get_signal_channel, go, now, sleep
from sim.workflow.context import Context, new_disconnected_context
from sim.workflow.definition import Definition
from sim.workflow.errors import ApplicationError, ContinueAsNewError, WorkflowError, describe
from sim.workflow.framework import complete_session, create_session, execute_activity, recreate_session
from sim.workflow.futures import Future, WaitGroup
from sim.workflow.seen import Saw
from sim.workflow.sessions import SessionOptions, get_session_info

DEFAULT_START_TO_CLOSE = "300s"
Step = Mapping[str, Any]


class Machine:
    """The interpreter's state: named contexts, futures and tokens, deferred completions, and what it saw."""

    def __init__(self, ctx: Context, tokens: Mapping[str, str]) -> None:
        self.contexts: dict[str, Context] = {}
        self.futures: dict[str, Future] = {}
        self.tokens: dict[str, str] = dict(tokens)
        self.deferred: list[str] = []
        self.seen: list[dict[str, Any]] = []
        self.began = now(ctx)

    async def run(self, ctx: Context, steps: Sequence[Step]) -> None:
        """Run steps in order. Raises the first error that is not ignored."""
        for step in steps:
            try:
                await self._step(ctx, step)
            except ContinueAsNewError:
                raise
            except WorkflowError:
                if not step.get("ignore"):
                    raise

    async def finish(self, ctx: Context) -> None:
        """Run the deferred completions of sessions that came to be, last first."""
        for name in reversed(self.deferred):
            if name in self.contexts:
                await complete_session(self.contexts[name])
                self.note(ctx, "complete", name, "deferred")

    def note(self, ctx: Context, op: str, within: str, name: str = "", error: BaseException | None = None, value: object = None) -> None:
        """Write down what a step came to."""
        info = get_session_info(self.contexts[within]) if within in self.contexts else None
        state = info.state.value if info and ctx.env.info.sdk.exports_session_state else ""
        elapsed, described = (now(ctx) - self.began) // 1000, describe(error)
        seen = {"op": op, "in": within, "name": name, "ms": elapsed, "error": described, "state": state, "value": value}
        self.seen.append({k: v for k, v in seen.items() if v not in ("", None) or k == "ms"})
        ctx.env.observe(Saw(ctx.env.info.run, op, name, within, described, state, value, elapsed))

    def _context(self, ctx: Context, name: str) -> Context:
        if not name:
            return ctx
        if name not in self.contexts:
            raise ApplicationError(f"the program uses the context {name!r}, which no step made", "BadProgram", non_retryable=True)
        return self.contexts[name]

    async def _step(self, ctx: Context, step: Step) -> None:
        operation = getattr(self, f"_op_{step.get('op')}", None)
        if operation is None:
            raise ApplicationError(f"no such op {step.get('op')}", "BadProgram", non_retryable=True)
        await operation(ctx, step)

    async def _op_create(self, ctx: Context, step: Step) -> None:
        await self._session(ctx, step, None)

    async def _op_recreate(self, ctx: Context, step: Step) -> None:
        await self._session(ctx, step, base64.b64decode(self.tokens.get(step["signal"], "")))

    async def _session(self, ctx: Context, step: Step, token: bytes | None) -> None:
        on = self._context(ctx, step.get("in", ""))
        if step.get("queue"):
            on = with_activity_options(on, ActivityOptions(task_queue=step["queue"], start_to_close_timeout=parse_duration("1m")))
        options = SessionOptions(
            _us(step, "execution"), _us(step, "creation"), _us(step, "heartbeat"), step.get("survive_restart", False), _us(step, "grace")
        )
        try:
            made = await (create_session(on, options) if token is None else recreate_session(on, token, options))
        except WorkflowError as error:
            self.note(ctx, step["op"], "", step["as"], error)
            raise
        self.contexts[step["as"]] = made
        self.note(ctx, step["op"], step["as"])

    async def _op_token(self, ctx: Context, step: Step) -> None:
        info = get_session_info(self._context(ctx, step["in"]))
        if info is None:
            raise ApplicationError(f"the context {step['in']!r} has no session", "BadProgram", non_retryable=True)
        self.tokens[step["as"]] = base64.b64encode(info.get_recreate_token()).decode()

    async def _op_complete(self, ctx: Context, step: Step) -> None:
        await complete_session(self._context(ctx, step["in"]))
        self.note(ctx, "complete", step["in"])

    async def _op_defer_complete(self, ctx: Context, step: Step) -> None:
        self.deferred.append(step["in"])

    def _schedule(self, ctx: Context, step: Step) -> Future:
        attempts = step.get("attempts", 0)
        stc, schtc = _us(step, "stc"), _us(step, "schtc")
        options = ActivityOptions(
            task_queue=step.get("queue", ""),
            schedule_to_close_timeout=schtc,
            schedule_to_start_timeout=_us(step, "sts"),
            start_to_close_timeout=stc or (0 if schtc else parse_duration(DEFAULT_START_TO_CLOSE)),
            heartbeat_timeout=_us(step, "hb"),
            wait_for_cancellation=bool(step.get("wait_for_cancellation")),
            retry_policy=RetryPolicy(maximum_attempts=attempts) if attempts else None,
        )
        on = with_activity_options(self._context(ctx, step.get("in", "")), options)
        return execute_activity(on, step.get("activity", "DoWork"), step.get("work"))

    async def _op_act(self, ctx: Context, step: Step) -> None:
        await self._get(ctx, step, self._schedule(ctx, step), step.get("work", {}).get("name", ""))

    async def _op_start(self, ctx: Context, step: Step) -> None:
        self.futures[step["fut"]] = self._schedule(ctx, step)

    async def _op_wait(self, ctx: Context, step: Step) -> None:
        await self._get(ctx, step, self.futures[step["fut"]], step["fut"])

    async def _get(self, ctx: Context, step: Step, future: Future, name: str) -> None:
        try:
            value = await future.get(ctx)
        except WorkflowError as error:
            self.note(ctx, step["op"], step.get("in", ""), name, error)
            raise
        self.note(ctx, step["op"], step.get("in", ""), name, value=value)

    async def _op_sleep(self, ctx: Context, step: Step) -> None:
        try:
            await sleep(self._context(ctx, step.get("in", "")), step["ms"] * 1000)
        except WorkflowError as error:
            self.note(ctx, "sleep", "", "", error)
            raise
        self.note(ctx, "sleep", "")

    async def _op_info(self, ctx: Context, step: Step) -> None:
        self.note(ctx, "info", step.get("in", ""))

    async def _op_await(self, ctx: Context, step: Step) -> None:
        await get_signal_channel(ctx, step["signal"]).receive(ctx)

    async def _op_disconnected(self, ctx: Context, step: Step) -> None:
        self.contexts[step["as"]] = new_disconnected_context(self._context(ctx, step.get("in", "")))[0]

    async def _op_until_ok(self, ctx: Context, step: Step) -> None:
        failure: WorkflowError | None = None
        for _ in range(step["times"]):
            try:
                await self.run(ctx, step["steps"])
            except ContinueAsNewError:
                raise
            except WorkflowError as error:
                failure = error
            else:
                return
            if step.get("ms", 0) > 0:
                await sleep(ctx, step["ms"] * 1000)
        if failure is not None:
            raise failure

    async def _op_parallel(self, ctx: Context, step: Step) -> None:
        group = WaitGroup()
        failures: list[WorkflowError] = []

        async def branch(steps: Sequence[Step]) -> None:
            try:
                await self.run(ctx, steps)
            except WorkflowError as error:
                failures.append(error)
            finally:
                group.done()

        for steps in step["branches"]:
            group.add()
            go(ctx, lambda _, steps=steps: branch(steps))  # type: ignore[misc]
        await group.wait(ctx)
        if failures:
            raise failures[0]

    async def _op_continue_as_new(self, ctx: Context, step: Step) -> None:
        raise ContinueAsNewError("Script", {"steps": step["steps"], "tokens": dict(self.tokens)})


def _us(step: Step, key: str) -> int:
    return parse_duration(step[key]) if step.get(key) else 0


async def script(ctx: Context, program: Any) -> list[dict[str, Any]]:
    """The workflow `Script`: runs `program["steps"]` and returns what it saw."""
    machine = Machine(ctx, program.get("tokens", {}))
    failure: WorkflowError | None = None
    try:
        await machine.run(ctx, program["steps"])
    except WorkflowError as error:
        failure = error
    await machine.finish(ctx)
    if failure is not None:
        machine.note(ctx, "return", "", "", failure)
        raise failure
    return machine.seen


SCRIPT = Definition("Script", script)
