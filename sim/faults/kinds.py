"""Which kinds of faults there are, whom they are done to, and which parameters they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    `target`: "process", "workflow", or "" when there is nothing to choose. `needs` and `takes`: parameters that it cannot
    do without, and that it may have. `undone`: what its end is, "" when it has none.
    """

    name: str
    target: str
    sentence: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    undone: str = ""


_CALLS: Final = ("method", "queue", "nth", "calls")

_ALL: Final = (
    Kind("kill", "process", "kill -9: the kernel closes its connections", undone="it is started again"),
    Kind("lose_machine", "process", "its machine vanishes: nobody is told", undone="it is started again"),
    Kind("start", "process", "it is started, if it does not run"),
    Kind("restart", "process", "it ends and is started again", takes=("delay", "graceful")),
    Kind("stop", "process", "its workers are stopped gracefully", takes=("exits",), undone="it is started again"),
    Kind("pause", "process", "it stands still (SIGSTOP); its connections stay open", undone="it goes on"),
    Kind("slow_down", "process", "what it does itself takes longer", needs=("factor",), undone="it is as fast as before"),
    Kind("partition", "process", "what it sends or is sent waits", takes=("direction",), undone="what waited arrives"),
    Kind("lose_request", "process", "calls of it do not arrive", takes=(*_CALLS, "noticed_after"), undone="calls arrive"),
    Kind("lose_response", "process", "answers to calls of it do not arrive", takes=(*_CALLS, "noticed_after"), undone="answers arrive"),
    Kind("delay_request", "process", "calls of it take longer to arrive", needs=("delay",), takes=_CALLS, undone="as fast as before"),
    Kind("delay_response", "process", "answers to it take longer to arrive", needs=("delay",), takes=_CALLS, undone="as fast as before"),
    Kind("duplicate_request", "process", "calls of it arrive twice", takes=_CALLS, undone="calls arrive once"),
    Kind("error", "process", "calls of it are answered with an error and have no effect", takes=(*_CALLS, "code"), undone="no more errors"),
    Kind("server_outage", "", "the server is away: connections break and are refused", undone="the server is back"),
    Kind(
        "clock", "process", "its machine's clock changes its speed or jumps", takes=("drift_ppm", "skew"), undone="its clock is right again"
    ),
    Kind("cancel", "workflow", "a client asks for its cancellation", takes=("reason",)),
    Kind("terminate", "workflow", "a client terminates it", takes=("reason", "payload")),
    Kind("signal", "workflow", "a client signals it", needs=("name",), takes=("payload",)),
    Kind("pause_activity", "workflow", "an operator pauses its activities of a type", needs=("activity",), undone="they are unpaused"),
    Kind("unpause_activity", "workflow", "an operator unpauses its activities of a type", needs=("activity",)),
)

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _ALL}
"""All kinds by name."""
