"""Two-phase commit for musil: states as tuples of bit masks, and one function that offers the actions.

Usage: two_phase.py N. Prints distinct states and seconds of the search.
"""

import sys
from functools import partial
from time import perf_counter

from musil import Action, Model, check

N = int(sys.argv[1])
ALL = (1 << N) - 1


def prepare(bit, s):
    return (s[0] | bit, s[1], s[2], s[3] | bit, s[4], s[5])


def abort(bit, s):
    return (s[0] & ~bit, s[1] & ~bit, s[2] | bit, s[3], s[4], s[5])


def commit(bit, s):
    return (s[0] & ~bit, s[1] | bit, s[2] & ~bit, s[3], s[4], s[5])


def receive(bit, s):
    return (*s[:4], s[4] | bit, s[5])


def decide(how, s):
    return (*s[:5], how)


def always(s):
    return True


DECIDE = [Action(f"decide {how}", always, partial(decide, how)) for how in (0, 1, 2)]
PER = [tuple(Action(f"{f.__name__} {i}", always, partial(f, 1 << i)) for f in (prepare, abort, commit, receive)) for i in range(N)]


def offered(s):
    prepared, committed, aborted, sent, seen, manager = s
    if manager == 0:
        if seen == ALL:
            yield DECIDE[1]
        yield DECIDE[2]
    for i in range(N):
        bit = 1 << i
        if not (prepared | committed | aborted) & bit:
            yield PER[i][0]
            yield PER[i][1]
        if manager == 0 and sent & bit and not seen & bit:
            yield PER[i][3]
        if manager == 1 and not committed & bit:
            yield PER[i][2]
        if manager == 2 and not aborted & bit:
            yield PER[i][1]


model = Model(
    init=[(0, 0, 0, 0, 0, 0)],
    actions_fn=offered,
    invariants={"consistent": lambda s: not (s[1] and s[2])},
    terminal=lambda s: (s[5] == 1 and s[1] == ALL) or (s[5] == 2 and s[2] == ALL),
)
began = perf_counter()
result = check(model, max_states=100_000_000)
print(f"states={result.states_explored} seconds={perf_counter() - began:.3f} held={str(bool(result)).lower()}")
