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
# # From a first run to a first picture
#
# A worker that holds a session is killed. What does the workflow see of it, when, and what does that depend on?
#
# This file is a notebook as text: open it in Jupyter with jupytext, in an editor that knows `# %%`, or run it as a script. It stands in
# the directory `notebooks` of a checkout of session-sim, and runs there.

# %%
from pathlib import Path

import pandas

from sim import Scenario, replay, run, watch
from sim.trace.tape import read

scenario = Scenario.load("../scenarios/file_processing_crash.toml")
scenario

# %% [markdown]
# ## A run
#
# A scenario and a seed make a run, always the same one. Its page has the figures, the verdict on every promise that the run put to the
# test, and the timeline: above what workers hold, below what the workflow knows.

# %%
result = run(scenario, seed=7)
result

# %% [markdown]
# The worker was killed at 12.6 s, and the workflow noticed 14 s later: that is the hatched part of the picture. One promise is broken. The
# scenario says that it expects this, so the run is as expected.

# %%
assert result.as_expected
verdicts = result.verdicts.to_frame()
verdicts.loc[verdicts["verdict"] == "broken", ["property", "promise", "first_broken_at_s", "first_violation"]]

# %% [markdown]
# ## Looking closer
#
# `watch` runs the tape of a result again and looks. The story says why it took 14 s: the server notices only that heartbeats stay away.

# %%
watched = watch(result)
watched.story

# %% [markdown]
# What a timeline shows is in its tables. Times are seconds since the start of the run, as the names of the columns say.

# %%
sessions = watched.timeline.sessions.to_frame()
sessions[["session", "worker", "wait_s", "lost_at_s", "ended_at_s", "end", "detection_s"]]

# %%
watched.timeline.attempts.to_frame()[["activity", "worker", "began_at_s", "duration_s", "outcome"]]

# %% [markdown]
# ## Another parameter
#
# Every key of a scenario can be set for a run. Here the worker is killed a second later each time. Draws are named by what they are for,
# so all these runs share the luck that they have in common, and what differs comes of the change.

# %%
rows = []
for after in range(10):
    later = Scenario.load("../scenarios/file_processing_crash.toml", [f"faults.0.moment.after={after}s"])
    seen = watch(run(later, seed=7)).timeline.sessions.to_frame()
    rows.append(seen.assign(killed_after_s=float(after)))
delays = pandas.concat(rows, ignore_index=True)
delays[["killed_after_s", "lost_at_s", "ended_at_s", "detection_s"]]

# %% [markdown]
# A second later is a second less to wait, until one more heartbeat got through: the workflow knows 20 s after the last one, and one comes
# every 6.67 s. So it takes between 13.3 and 20 s, whatever the timeouts of the workflow's own activities are.

# %%
assert delays["detection_s"].between(20 - 20 / 3 - 0.1, 20.1).all()
delays["detection_s"].describe()[["min", "mean", "max"]]

# %% [markdown]
# ## More luck
#
# The same with other seeds: a row for every run.

# %%
runs = pandas.concat([run(scenario, seed).to_frame() for seed in range(1, 21)], ignore_index=True)
runs[["seed", "ended_at_s", "sessions_failed", "workflows_canceled", "promises_broken", "creation_wait_max_s"]].describe()

# %% [markdown]
# ## The same again
#
# Everything about a run is on its tape. Give it to somebody else, and they see the same run, to the microsecond.

# %%
tape = Path("first_run.tape")
result.tape.write(tape)
again = replay(read(tape))
tape.unlink()
assert again.identical
again
