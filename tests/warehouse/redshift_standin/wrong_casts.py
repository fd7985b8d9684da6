"""A warehouse that stores something else than it was given, without a word."""

from __future__ import annotations

from tests.warehouse.redshift_standin.standin import RedshiftStandin


def store_wrongly(standin: RedshiftStandin, table: str, column: str, value: str) -> None:
    """From now on, rows that come into a raw table get `value`, SQL over `new`, in that column; until the next reset.

    As a COPY does that reads timestamps in another unit (apache/arrow #38000), or a cast that rounds.
    """
    standin.postgres.run_sql(
        f"""
        create function raw.store_wrongly() returns trigger language plpgsql as
          $$ begin new.{column} := {value}; return new; end $$;
        create trigger store_wrongly before insert on raw.{table} for each row execute function raw.store_wrongly();
        """,
        standin.database,
    )
