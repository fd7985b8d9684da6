"""One COPY of staged parts into a temporary table, and the words for it when it fails."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from redshift_connector.core import Connection
from redshift_connector.cursor import Cursor
from redshift_connector.error import DatabaseError

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import Contract
from flows.warehouse.ddl import quote
from flows.warehouse.redshift.dialect import declare_columns, staged_columns
from flows.warehouse.redshift.failures import describe_error, is_transient
from flows.warehouse.redshift.placement import distribution


@dataclass(frozen=True)
class CopyCommand:
    """What is copied for the load of one table, and by which role; `files` are for people."""

    contract: Contract
    manifest_url: str
    role: str
    files: Sequence[str]

    @property
    def staged(self) -> str:
        """The quoted name of the temporary table."""
        return quote(f"staged_{self.contract.table}")

    def run(self, connection: Connection) -> None:
        """COPY into a temporary table with exactly the columns of the parts, spread as the raw table is.

        Its rows are read once and then gone: no statistics are taken of it (STATUPDATE is one of the few parameters
        that "COPY from columnar data formats" lists; COMPUPDATE is none of them, and columnar data gets no encodings).

        Raises:
            LoadError: COPY refused the parts.
        """
        cursor, columns = connection.cursor(), staged_columns(self.contract)
        cursor.execute(
            f"create temporary table {self.staged} ({declare_columns(columns)}){distribution(self.contract)}"
        )
        try:
            cursor.execute(
                f"copy {self.staged} ({', '.join(map(quote, columns))}) from {_literal(self.manifest_url)} "
                f"iam_role {_role(self.role)} format as parquet manifest statupdate off"
            )
        except DatabaseError as error:
            if is_transient(error):
                raise
            connection.rollback()
            raise LoadError(self._explain(connection, error)) from error

    def _explain(self, connection: Connection, error: DatabaseError) -> str:
        """Redshift's words, what SYS_LOAD_ERROR_DETAIL has of this session, the files, and the cure."""
        files = ", ".join(self.files[:5])
        more = f" and {len(self.files) - 5} more" if len(self.files) > 5 else ""  # noqa: PLR2004
        lines = [f"raw.{self.contract.table}: COPY failed for {files}{more}. Redshift says: {describe_error(error)}"]
        with suppress(Exception):  # the first error is the one that must be read
            lines += [f"  - {line}" for line in _read_error_details(connection.cursor())]
            connection.rollback()
        lines.append(
            "Nothing of them was loaded. Check that the COPY role (RETAIL_REDSHIFT_COPY_ROLE) is attached to the "
            "warehouse and may read the bucket and its key; docs/redshift.md lists the rights. Then run again."
        )
        return "\n".join(lines)


def _read_error_details(cursor: Cursor) -> list[str]:
    cursor.execute(
        "select trim(file_name), trim(column_name), trim(column_type), trim(error_message) "
        "from sys_load_error_detail where session_id = pg_backend_pid() order by start_time desc limit 5"
    )
    return [f"{file}: column {column} ({kind}): {message}" for file, column, kind, message in cursor.fetchall()]


def _literal(text: str) -> str:
    """A text that COPY takes as a literal only: a URL or a role, without quotes, backslashes and control characters."""
    if re.search(r"['\\\x00-\x1f]", text):
        raise ConfigError(f"{text!r}: quotes, backslashes and control characters cannot stand in a COPY command.")
    return f"'{text}'"


def _role(copy_role: str) -> str:
    return "default" if copy_role == "default" else _literal(copy_role)
