"""What a number of runs without a failure, or with some, says of how often runs fail."""

from __future__ import annotations

from typing import Final

CONFIDENCE: Final = 0.95


def at_most(failures: int, runs: int, confidence: float = CONFIDENCE) -> float:
    """The exact one-sided upper bound of the share of runs that fail (C. J. Clopper, E. S. Pearson, Biometrika 26, 1934).

    Without a failure it is 1 - (1 - confidence)^(1 / runs), about 3 / runs for 95 %.

    Raises:
        ValueError: there were no runs, or more failures than runs.
    """
    if not 0 <= failures <= runs or runs == 0:
        raise ValueError(f"{failures} failures in {runs} runs; expected at least one run, and at most as many failures")
    if failures == runs:
        return 1.0
    if failures == 0:
        return float(1.0 - (1.0 - confidence) ** (1.0 / runs))
    from scipy.stats import beta

    return float(beta.ppf(confidence, failures + 1, runs - failures))
