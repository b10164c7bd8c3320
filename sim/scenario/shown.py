"""How scenarios and results show themselves in a notebook.

Pages are drawn in `sim.report`, a layer above this one: it is loaded by its name when somebody looks, so that nothing here depends on
it, and nobody who does not look has to wait for matplotlib.
"""

from __future__ import annotations

from importlib import import_module


def page(shown: object) -> str:
    """A scenario or a result as HTML that stands alone."""
    html: str = import_module("sim.report.notebook").page(shown)
    return html
