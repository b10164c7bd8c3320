"""The model checker: every reachable state of any system of nodes, from tables, at native speed.

It knows no protocol. Needs the extra `checker` (numba); `sim.model.explorer` does the same without it, slowly, and is
what it is tested against. Begin with `checking.check`; how it works is told in `search`, `rules`, `keys` and `kernels`.
"""
