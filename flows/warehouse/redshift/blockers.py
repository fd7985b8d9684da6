"""Who locks the tables of this warehouse: what Redshift says of open transactions in, sentences for people out.

SVV_TRANSACTIONS shows every lock that is held or waited for; to users who are no superusers, those of their own
transactions alone (AWS: "SVV_TRANSACTIONS"). A reader waits for an AccessExclusiveLock only, a writer for other writers
too (AWS: "LOCK", "Managing concurrent write operations").
"""

from __future__ import annotations

from redshift_connector.core import Connection

from flows.warehouse.ddl import SCHEMAS

WRITING = ("AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "RowExclusiveLock")
OTHERS_ARE_HIDDEN = (
    "Redshift shows nobody who locks its tables; locks of others are shown to superusers, and to users with SYSLOG "
    "ACCESS UNRESTRICTED, in svv_transactions."
)


def find_blockers(connection: Connection, prefix: str, own: list[int]) -> list[str]:
    """A sentence for each session that locks tables of our schemas against others; those of `own` are left out."""
    cursor = connection.cursor()
    schemas, modes = ", ".join(f"'{prefix}{schema}'" for schema in SCHEMAS), ", ".join(f"'{mode}'" for mode in WRITING)
    cursor.execute(
        "select locked.pid, locked.txn_owner, locked.txn_start, pg_namespace.nspname, pg_class.relname "  # noqa: S608
        "from svv_transactions as locked "
        "join pg_class on pg_class.oid = locked.relation "
        "join pg_namespace on pg_namespace.oid = pg_class.relnamespace "
        f"where locked.granted and locked.lock_mode in ({modes}) and pg_namespace.nspname in ({schemas}) "
        "order by 3, 1, 4, 5"
    )
    tables: dict[tuple[int, str, str], list[str]] = {}
    for pid, owner, since, schema, table in cursor.fetchall():
        if int(pid) not in own:
            found = tables.setdefault((int(pid), str(owner), f"{since:%Y-%m-%d %H:%M:%S}"), [])
            found += [] if (name := f"{schema}.{table}") in found else [name]
    return [
        f"{', '.join(found[:5])}{f' and {len(found) - 5} more' if len(found) > 5 else ''} locked by {owner}, "  # noqa: PLR2004
        f"process {pid}, since {since} UTC; ended by: select pg_terminate_backend({pid})"
        for (pid, owner, since), found in tables.items()
    ]
