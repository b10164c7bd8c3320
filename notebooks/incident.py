# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # An incident, from real histories
#
# A workflow ended CANCELED, and nobody had cancelled it. On another day fourteen workflows started at once, and some waited for seconds.
# What is left of both are the histories that a real Temporal server wrote (version 1.32.1, workers with Go SDK 1.48.0).
#
# This file is a notebook as text: open it in Jupyter with jupytext, in an editor that knows `# %%`, or run it as a script. It stands in
# the directory `notebooks` of a checkout of session-sim, and runs there.

# %%
from pathlib import Path

import pandas

from sim import audit, conform, replay, run, watch
from sim.sizing.from_histories import observe
from sim.sizing.journeys import Journeys
from sim.sizing.load import Load, scenario_of
from sim.sweep.statistics import mean_interval

KILLED = Path("../tests/data/real/worker_killed")
CONTENTION = Path("../reports/contention/recording")

# %% [markdown]
# ## What happened to the session
#
# The audit finds the sessions in histories of any workflow, and says how each ended, and why.

# %%
found = audit([KILLED])
(session,) = found.sessions
pandas.Series(found.session(session)).drop("activities")

# %%
assert session.end.value == "failed"
found.cause(session)

# %% [markdown]
# The worker was gone, and 20 s after its last heartbeat the session failed. So which promises does this history break?

# %%
verdicts = pandas.Series(found.properties, name="verdict")
verdicts[verdicts == "broken"].to_frame()

# %% [markdown]
# A workflow that returns the error of its lost session ends as CANCELED: the activity in flight fails with a `CanceledError`, and the SDK
# makes a cancellation of a workflow that returns one.
#
# ## Is that what the protocol does?
#
# `conform` asks whether the protocol could have produced the recording. If so it gives a tape: a simulated run with the same histories.

# %%
judged = conform([KILLED])
(case,) = judged
assert case.verdict.value == "accepted"
tape = case.tape
again = replay(tape)
assert again.identical
watch(tape).story

# %% [markdown]
# ## The day with the queue
#
# Three workers with two slots each met fourteen workflows. What did they ask for, and how long did they hold their sessions?

# %%
busy = audit([CONTENTION])
waits = pandas.Series([wait / 1e6 for wait in busy.waits], name="wait_s")
waits.describe().round(2)

# %%
seen = observe([CONTENTION])
f"{seen.sessions} sessions, held for {seen.hold.mean() / 1e6:.2f} s on average; their activities ran for {seen.working / 1e6:.2f} s of that"

# %% [markdown]
# Would more slots have helped? The same burst on pools of other sizes, with holds drawn from the recorded ones:

# %%
load = Load(gap=seen.gap, hold=seen.hold)
rows = []
for workers in (2, 3, 5, 7):
    for seed in range(1, 6):
        journeys = Journeys()
        run(scenario_of(load, workers, 2, seen.sessions), seed, properties=(), observers=[journeys])
        rows += [(workers * 2, seed, journey.wait / 1e6) for journey in journeys.all]
simulated = pandas.DataFrame(rows, columns=["slots", "seed", "wait_s"])
of_runs = simulated.groupby(["slots", "seed"])["wait_s"].agg(["mean", "max"])
of_runs.groupby("slots").agg(lambda runs: str(mean_interval(runs.tolist())))

# %% [markdown]
# Means over five runs, of each run's mean and longest wait, with their 95 % intervals. With six slots the simulated mean is near the
# recorded one. (How near the whole curve is, with latencies that were learned from other recordings, shows `reports/contention`.)

# %%
means = simulated.groupby("slots")["wait_s"].mean()
assert means[4] > means[6] > means[14]
assert abs(means[6] - waits.mean()) < 0.4
