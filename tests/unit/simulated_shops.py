"""Shops made by chance: what four stores use of thirty supplies each in 86 weeks, of one kind of noise and change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
SERIES, DAYS = 120, np.arange(86 * 7)
STORE = np.arange(SERIES) % 4
OPENED = np.array([0, 200, 350, 450])[STORE][:, None]
Chance = np.random.Generator


def simulate(kind: str, seed: int) -> Floats:
    """Units by series and day, with a weekday profile each; null before a new store has opened."""
    chance = np.random.default_rng(seed)
    profile = chance.dirichlet(np.full(7, 10.0), SERIES) * 7
    mean = (chance.gamma(2, 3, SERIES) + 0.2)[:, None] * profile[:, DAYS % 7]
    units = chance.poisson(mean * CHANGES[kind](chance)).astype(float)
    if kind == "new stores":
        units[DAYS < OPENED] = np.nan
    return units


def _shift(chance: Chance) -> Any:
    factor, at = chance.choice([0.6, 1.6], SERIES), chance.integers(200, 602, SERIES)
    return np.where(at[:, None] <= DAYS, factor[:, None], 1)


def _shake(chance: Chance) -> Any:
    """All series together, ever further from the thirtieth week on."""
    shock = np.zeros(87)
    for week in range(30, 87):
        shock[week] = 0.8 * shock[week - 1] + chance.normal(0, 0.12)
    return np.exp(shock)[DAYS // 7]


CHANGES: dict[str, Callable[[Chance], Any]] = {
    "poisson": lambda _: 1,
    "negative binomial": lambda chance: chance.gamma(5, 1 / 5, (SERIES, len(DAYS))),
    "trend": lambda chance: np.exp(chance.normal(0, 0.0008, SERIES)[:, None] * DAYS),
    "level shift": _shift,
    "season": lambda _: 1 + 0.4 * np.sin(2 * np.pi * DAYS / 365),
    "rarely used": lambda _: 0.03,
    "new stores": lambda _: 1 - 0.8 * np.exp(-np.maximum(DAYS - OPENED, 0) / 70),
    "stores that drift": lambda chance: np.exp(np.cumsum(chance.normal(0, 0.05, (4, 87)), axis=1))[STORE][:, DAYS // 7],
    "all unsteady together": _shake,
}
STEADY = [kind for kind in CHANGES if kind != "all unsteady together"]
