"""The time zones of the IANA database, by name."""

from __future__ import annotations

import zoneinfo
from functools import cache

from flows.errors import ConfigError


@cache
def time_zone_names() -> frozenset[str]:
    """The names of the time zones that this machine knows.

    Raises:
        ConfigError: it knows none.
    """
    names = zoneinfo.available_timezones() - {"localtime", "Factory"}  # files beside the zones, no places
    if not names:
        raise ConfigError("This machine has no time-zone data. Install the system's package tzdata.")
    return frozenset(names)
