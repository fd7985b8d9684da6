"""How Redshift words a COPY that fails: the block of text in the detail, and the row in SYS_LOAD_ERROR_DETAIL."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.warehouse.redshift_standin.sql_error import SqlError
from tests.warehouse.redshift_standin.table_column import Column

HTTPS = "https://s3.amazonaws.com/"  # how Spectrum names the file; the system view has the path in S3
RULE = "-----------------------------------------------"


@dataclass(frozen=True)
class LoadErrorRow:
    """What SYS_LOAD_ERROR_DETAIL says of one COPY; the rest of its columns is filled in by the session."""

    file_name: str = ""
    column_name: str = ""
    column_type: str = ""
    column_length: str = ""
    error_code: int = 0
    error_message: str = ""


class CopyError(SqlError):
    """A COPY that fails; `logged` is there when Redshift logs it: "some errors", says its page on columnar COPY.

    The frame and the first lines are as users report them; codes and places in the source are unconfirmed.
    """

    def __init__(self, message: str, context: str = "", code: int = 15001, logged: LoadErrorRow | None = None) -> None:
        lines = [
            f"error:  {message}",
            f"code:      {code}",
            f"context:   {context}",
            "query:     0",
            "process:   standin",
        ]
        detail = "\n  " + "\n  ".join([RULE, *lines, RULE]) + "\n"
        super().__init__(message, "XX000", detail)
        self.logged = logged


def scan_error(context: str, file: str = "", column: Column | None = None, code: int = 15007) -> CopyError:
    """An error in reading one Parquet file, which Redshift does through Spectrum."""
    row = LoadErrorRow(file_name=file.replace(HTTPS, "s3://"), error_code=code, error_message=context)
    if column is not None:
        length = str(column.sizes[0]) if column.sizes else ""
        row = replace(row, column_name=column.name, column_type=column.redshift_base, column_length=length)
    return CopyError("Spectrum Scan Error", context, code, row)
