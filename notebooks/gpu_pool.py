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
# # How many GPUs does the pool need?
#
# Every two minutes or so somebody asks for a fine-tuning run: it needs a GPU of its own for some minutes, so it is a session on a worker
# with one slot. Nobody should wait for long. How many workers are enough, and what would break them?
#
# This file is a notebook as text: open it in Jupyter with jupytext, in an editor that knows `# %%`, or run it as a script. It stands in
# the directory `notebooks` of a checkout of session-sim, and runs there.

# %%
from dataclasses import replace

import pandas
from IPython.display import SVG

from sim.model.laws import Exponential
from sim.report.plots import frontier, style
from sim.sizing.breaking import stretched
from sim.sizing.load import Load
from sim.sizing.measure import Effort
from sim.sizing.sizing import size
from sim.sizing.targets import read_target
from sim.sizing.theory import Waiting
from sim.sizing.words import read_law, read_rate

load = Load(
    gap=Exponential(read_rate("30/h")),
    hold=read_law("lognormal:2m:0.6"),
    creation_timeout=10 * 60 * 1_000_000,
)
f"{load.slots:.2f} GPUs busy on average"

# %% [markdown]
# ## What theory says
#
# If holds were exponential and sessions cost nothing but their hold, the pool would be the queue M/M/c+D: as many servers as GPUs, and
# whoever has waited for the CreationTimeout leaves. Its formulas are a first guess. Holds here vary less than exponential ones.

# %%
rows = []
for gpus in range(1, 7):
    queue = Waiting(gpus, load.rate, load.hold_s, patience=600.0)
    rows.append((gpus, queue.busy, queue.mean_served, queue.quantile(0.9), queue.lost))
theory = pandas.DataFrame(rows, columns=["gpus", "have_to_wait", "mean_wait_s", "p90_wait_s", "timed_out"]).set_index("gpus")
theory.round(3)

# %% [markdown]
# ## What the protocol does
#
# The search begins at the guess and simulates pools: Temporal's task queues, polls, heartbeats and all. Each pool meets the same arrivals
# and holds. It goes on until the targets are decided, or the effort is spent, which is small here so that the notebook is quick.

# %%
targets = [read_target("p90(creation wait) < 1m"), read_target("P(creation timeout) < 5%")]
result = size(load, workers=range(1, 8), slots=range(1, 2), targets=targets, effort=Effort(sessions=100, replications=4), breaks=False)
result.to_frame()[["workers", "slots", "decision", "by", "sessions", "enough"]]

# %%
assert result.pool is not None
pandas.DataFrame(
    {name: (interval.estimate, interval.low, interval.high) for name, interval in result.intervals().items()},
    index=["estimate", "low", "high"],
).T.round(3)

# %% [markdown]
# No number without its interval: so few sessions do not know the ninetieth percentile better than that. `session-sim size` simulates more.

# %%
SVG(style.svg(frontier.draw(result)))

# %% [markdown]
# ## What would break it
#
# The same pool, and the load grows. (`size(..., breaks=True)` and the command try arrivals, holds, workers that are away, and crashes.)

# %%
pool = result.pool
grown = []
for percent in (100, 200):
    more = replace(load, gap=stretched(load.gap, 10_000 // percent))
    found = size(more, range(pool.workers, pool.workers + 1), range(1, 2), targets, Effort(sessions=100, replications=2), breaks=False)
    point = found.points[0] if found.points else None
    grown.append((percent, more.slots, point.decision if point else "excluded by theory", point.by if point else ""))
pandas.DataFrame(grown, columns=["arrivals, %", "offered load", "the pool then", "because of"])

# %%
assert grown[-1][2] != "meets"
