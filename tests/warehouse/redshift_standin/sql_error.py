"""An error as the server words it: what the client of the stand-in is told when a statement fails."""

from __future__ import annotations


class SqlError(Exception):
    """A failed statement: message, SQLSTATE, and where Redshift gives one, a detail."""

    def __init__(self, message: str, code: str = "42601", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.detail = detail


def beyond_standin(what: str) -> SqlError:
    """An error for what Redshift may well take but the stand-in does not know, so that no test passes by accident."""
    return SqlError(f"Redshift stand-in: {what} is not known here; see tests/warehouse/redshift_standin", "0A000")


def unsupported(what: str) -> SqlError:
    """An error for what Redshift's documentation says it lacks. The text is unconfirmed."""
    return SqlError(f"{what} not supported by Amazon Redshift", "0A000")
