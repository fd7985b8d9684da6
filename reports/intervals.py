"""Means of orders with their standard errors in; 95 % intervals and the differences that are clear out.

Orders of one customer are alike, so customers, not orders, are the units that vary by chance: naive intervals are
several times too narrow. The standard error is cluster-robust with the small-sample correction CR2, and the quantile is
Student's with the degrees of freedom of Bell and McCaffrey ("Bias Reduction in Standard Errors for Linear Regression
with Multi-Stage Samples", Survey Methodology 28, 2002; Imbens and Kolesár, "Robust Standard Errors in Small Samples",
Review of Economics and Statistics 98, 2016). The KPI `average_order_comparison` holds both, computed by its query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from scipy.special import stdtr, stdtrit  # Student's distribution; scipy.stats takes half a second to import

LEVEL = 0.95
ROUGH_BELOW, VALUE_ONLY_BELOW = 15, 5  # customers


@dataclass(frozen=True)
class Mean:
    """A mean of orders in dollars, its standard error, its degrees of freedom, and the customers who placed them."""

    value: float
    standard_error: float | None
    degrees: float | None
    customers: int

    @property
    def is_value_only(self) -> bool:
        """True where too few customers ordered to say how far chance goes."""
        return self.customers < VALUE_ONLY_BELOW or self.standard_error is None or self.degrees is None

    @property
    def is_rough(self) -> bool:
        """True where there is an interval, but of so few customers that it may be too narrow."""
        return not self.is_value_only and self.customers < ROUGH_BELOW

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the mean lies in 95 of 100 such years, never below zero; None for a mean of too few customers."""
        if self.standard_error is None or self.degrees is None or self.is_value_only:
            return None
        reach = float(stdtrit(self.degrees, (1 + LEVEL) / 2)) * self.standard_error
        return max(self.value - reach, 0.0), self.value + reach


def find_clear_differences(means: Sequence[Mean]) -> set[tuple[int, int]]:
    """Pairs of positions, the higher mean first, whose difference chance does not explain.

    Every pair is compared by Welch's t; all comparisons together err in at most 5 of 100 such years (Holm, "A Simple
    Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979). Means of too few
    customers are not compared. The means count as independent: where two stores have customers in common, who spend
    alike in both, fewer differences are called clear, not more.
    """
    compared = [position for position, mean in enumerate(means) if not mean.is_value_only]
    tests = sorted((_chance(means[one], means[other]), one, other) for one, other in combinations(compared, 2))
    clear: set[tuple[int, int]] = set()
    for done, (chance, one, other) in enumerate(tests):
        if chance > (1 - LEVEL) / (len(tests) - done):
            break
        clear.add((one, other) if means[one].value > means[other].value else (other, one))
    return clear


def _chance(one: Mean, other: Mean) -> float:
    """How often two equal stores would differ as much."""
    assert one.standard_error is not None and other.standard_error is not None  # noqa: S101, PT018 - not value only
    assert one.degrees is not None and other.degrees is not None  # noqa: S101, PT018
    variances = one.standard_error**2, other.standard_error**2
    together = sum(variances)
    if together == 0:
        return 1.0 if one.value == other.value else 0.0
    degrees = together**2 / (variances[0] ** 2 / one.degrees + variances[1] ** 2 / other.degrees)
    return float(2 * stdtr(degrees, -abs(one.value - other.value) / sqrt(together)))
