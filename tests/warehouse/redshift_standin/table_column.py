"""A column that COPY fills."""

from __future__ import annotations

import re
from dataclasses import dataclass

REDSHIFT_NAMES = {
    "integer": "INT",
    "double precision": "DOUBLE",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "character varying": "VARCHAR",
    "numeric": "DECIMAL",
}


@dataclass(frozen=True)
class Column:
    """A column of the target table; `sql_type` as PostgreSQL's format_type writes it."""

    name: str
    sql_type: str
    is_required: bool

    @property
    def base(self) -> str:
        return re.sub(r"\([^)]*\)", "", self.sql_type)

    @property
    def sizes(self) -> tuple[int, ...]:
        """What stands in the brackets of the type."""
        return tuple(int(size) for size in re.findall(r"\d+", self.sql_type))

    @property
    def redshift_base(self) -> str:
        return REDSHIFT_NAMES.get(self.base, self.base.upper())

    @property
    def redshift_type(self) -> str:
        return self.redshift_base + (f"({','.join(map(str, self.sizes))})" if self.sizes else "")
