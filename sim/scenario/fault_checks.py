"""What a `[[faults]]` table must say, by its kind; and the fault that it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sim.faults import KINDS, At, AtMoment, AtRate, Fault, Moment, When
from sim.protocol.messages import Code
from sim.scenario.calls import METHODS
from sim.scenario.moments import EVENTS, MOMENTS, OBSERVATIONS, fields_of, observed
from sim.scenario.problems import Key, Problem, did_you_mean
from sim.scenario.schema import FaultSection, MomentSection

PARAMETERS: Final = tuple(dict.fromkeys(name for kind in KINDS.values() for name in (*kind.needs, *kind.takes)))
CODES: Final = {code.value: code for code in Code}


def check_fault(fault: FaultSection, key: Key) -> Iterator[Problem]:
    """Everything that is wrong with one table, but for names of processes and workflows."""
    kind = KINDS[fault.kind]
    allowed = (*kind.needs, *kind.takes)
    for name in PARAMETERS:
        given = getattr(fault, name) is not None
        if given and name not in allowed:
            takes = f"it takes {', '.join(allowed)}" if allowed else "it takes no parameters"
            yield Problem((*key, name), f"a fault of kind {fault.kind!r} has no such parameter; {takes}")
        if not given and name in kind.needs:
            yield Problem((*key, name), f"is missing; a fault of kind {fault.kind!r} needs {', '.join(kind.needs)}")
    if fault.lasts is not None and not kind.undone:
        yield Problem((*key, "for"), f"a fault of kind {fault.kind!r} cannot be undone; leave it out")
    if fault.kind == "clock" and fault.drift_ppm is None and fault.skew is None:
        yield Problem(key, 'a clock fault changes something; expected drift_ppm = 200 or skew = "1.5s", or both')
    yield from _check_names(fault, key)
    yield from _check_target(fault, key)
    yield from _check_when(fault, key)


def _check_names(fault: FaultSection, key: Key) -> Iterator[Problem]:
    if fault.method is not None and fault.method not in METHODS:
        yield Problem((*key, "method"), f"there is no method {fault.method!r}; {did_you_mean(fault.method, list(METHODS))}")
    if fault.code is not None and fault.code not in CODES:
        yield Problem((*key, "code"), f"there is no gRPC code {fault.code!r} here; {did_you_mean(fault.code, list(CODES))}")


def _check_target(fault: FaultSection, key: Key) -> Iterator[Problem]:
    what, target = KINDS[fault.kind].target, fault.target
    if not what and target:
        yield Problem((*key, "target"), f"a fault of kind {fault.kind!r} has no target; leave it out")
    if what and not target:
        example = '"w1" or "@busy"' if what == "process" else '"w" or "@workflow"'
        yield Problem((*key, "target"), f"is missing; expected a {what}, such as {example}")
    if not target.startswith("@") or not what:
        return
    fitting = ("@busy", "@idle", "@there") if what == "process" else ("@workflow",)
    if target not in fitting and not (what == "process" and target.startswith("@session:")):
        known = ", ".join((*fitting, "@session:WORKFLOW") if what == "process" else fitting)
        yield Problem((*key, "target"), f"is {target!r}; a {what} is found by {known}")
    if target in ("@there", "@workflow") and fault.moment is None:
        yield Problem((*key, "target"), f'{target} is where a moment happens; expected a moment, such as moment = "session token taken"')


def _check_when(fault: FaultSection, key: Key) -> Iterator[Problem]:
    given = [name for name in ("at", "moment", "every") if getattr(fault, name) is not None]
    if len(given) != 1:
        got = f"has {' and '.join(given)}" if given else "does not say when"
        yield Problem(key, f'{got}; expected one of at = "8s", moment = "session token taken", every = {{ exponential = "5m" }}')
    if fault.every is not None and fault.every.bounds()[1] == 0:
        yield Problem((*key, "every"), "is always 0s; expected a law of times above 0")
    if fault.at is not None:
        for name in ("until", "count"):
            if getattr(fault, name) is not None:
                yield Problem((*key, name), "a fault at a given time happens once; leave it out, or use `every`")
    if fault.moment is not None:
        yield from _check_moment(fault.moment, (*key, "moment"))


def _check_moment(section: MomentSection, key: Key) -> Iterator[Problem]:
    if bool(section.name) == bool(section.observation):
        yield Problem(key, 'expected either name = "session token taken" or observation = "TokenTaken"')
    elif section.name and section.name not in MOMENTS:
        yield Problem(key, f"there is no moment {section.name!r}; {did_you_mean(section.name, MOMENTS.names)}")
    elif section.observation and section.observation not in OBSERVATIONS and section.observation not in EVENTS:
        known = did_you_mean(section.observation, [*OBSERVATIONS, *EVENTS])
        yield Problem((*key, "observation"), f"there is no observation {section.observation!r}; {known}")
    else:
        fields = fields_of(_moment(section))
        for name in section.where:
            if name not in fields:
                yield Problem((*key, "where", name), f"the moment has no such field; {did_you_mean(name, fields)}")


def _moment(section: MomentSection) -> Moment:
    return MOMENTS[section.name] if section.name else observed(section.observation)


def fault_of(section: FaultSection) -> Fault:
    """The fault of a table that has been checked."""
    parameters: dict[str, Any] = {name: getattr(section, name) for name in PARAMETERS if getattr(section, name) is not None}
    return Fault(section.kind, section.target, _when(section), parameters, section.lasts)


def _when(section: FaultSection) -> When:
    if section.at is not None:
        return At(section.at)
    if section.every is not None:
        return AtRate(section.every, section.count, section.until)
    assert section.moment is not None
    moment = section.moment
    # A moment is meant once, unless the table says how often, or until when.
    count = 1 if section.count is None and section.until is None else section.count
    return AtMoment(_moment(moment), moment.nth, moment.where, moment.after, count, section.until)
