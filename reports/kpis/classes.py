"""Customer classes as the data name them, the best one first: which they are, and the colour of each.

A shop may have classes of its own, as many as it likes; only `Inactive`, customers without a sale in the last year, is
the project's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from reports.theme import CLASSES, MARK, NET, TAX, TOTAL

INACTIVE = "Inactive"
_OTHERS = (NET, MARK, TOTAL, TAX)


def list_earned(names: Sequence[str | None]) -> list[str]:
    """The classes that a customer can earn, in the order of the data, the best one first."""
    return [name for name in names if name is not None and name != INACTIVE]


def color_classes(names: Sequence[str | None]) -> dict[str | None, str]:
    """Class → colour. Names that the theme knows keep theirs; the others take what is left of gold, silver and bronze,
    the best one first, and then other colours in turn."""
    left = [color for name, color in CLASSES.items() if name != INACTIVE and name not in names]
    unknown = [name for name in names if name not in CLASSES]
    others = cycle(_OTHERS)
    chosen = [left.pop(0) if left else next(others) for _ in unknown]
    return {name: CLASSES[name] for name in names if name in CLASSES} | dict(zip(unknown, chosen, strict=True))
