"""What can go wrong, in three kinds.

Every message says where, what was expected, what was found, how many, and the cure.
"""

from __future__ import annotations


class RetailError(Exception):
    """A failure that the user can act on; the message is all they need, no traceback."""

    exit_code = 1


class ConfigError(RetailError):
    """A setting or an option is wrong or missing: nothing was started."""

    exit_code = 2


class DataError(RetailError):
    """The input breaks its contract beyond what can be set aside: nothing was loaded."""


class LoadError(RetailError):
    """A load, a transformation or a report did not happen; the last good state stands."""
