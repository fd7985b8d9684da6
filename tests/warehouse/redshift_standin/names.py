"""Names: folded to lower case also within quotes, no reserved words, up to 127 bytes. Pages: r_names, r_pg_keywords."""

from __future__ import annotations

import hashlib
import re

from sqlglot import exp

from tests.warehouse.redshift_standin.keywords import RESERVED
from tests.warehouse.redshift_standin.sql_error import SqlError

MAX_NAME_BYTES, POSTGRES_NAME_BYTES = 127, 63
_shortened: dict[str, str] = {}
UNQUOTED = re.compile(r"[^\W\d][\w$]*")


def fold_identifiers(tree: exp.Expression) -> None:
    """r_names: names are folded to lower case also within quotes; r_pg_keywords: a reserved word needs quotes."""
    for name in tree.find_all(exp.Identifier):
        text = name.name
        if not name.args.get("quoted") and not _is_plain(name):
            raise SqlError(f'syntax error at or near "{text}"')
        name.set("this", shorten_name(text.lower()))
        name.set("quoted", True)


def shorten_name(name: str) -> str:
    """r_names: up to 127 bytes. PostgreSQL has room for 63, so that the end of a longer name gives way to its hash."""
    size = len(name.encode())
    if size > MAX_NAME_BYTES:
        raise SqlError(f'identifier "{name}" is longer than {MAX_NAME_BYTES} bytes', "42622")  # unconfirmed
    if size <= POSTGRES_NAME_BYTES:
        return name
    start = name.encode()[: POSTGRES_NAME_BYTES - 9].decode(errors="ignore")
    return _shortened.setdefault(name, f"{start}_{hashlib.sha256(name.encode()).hexdigest()[:8]}")


def shorten_texts(query: exp.Expression) -> None:
    """In a query of the catalogue, a text that is a long name must be the one under which it is kept."""
    for literal in query.find_all(exp.Literal):
        if literal.is_string and literal.name.lower() in _shortened:
            literal.set("this", _shortened[literal.name.lower()])


def _is_plain(name: exp.Identifier) -> bool:
    """Whether a name may stand without quotes."""
    is_reserved = name.name.lower() in RESERVED and not _is_free(name)
    return UNQUOTED.fullmatch(name.name) is not None and not is_reserved


def _is_free(name: exp.Identifier) -> bool:
    """Whether a reserved word may stand here: as a label after AS, and SYSDATE for itself."""
    is_label = isinstance(name.parent, exp.Alias) and name.arg_key == "alias"
    is_sysdate = name.name.lower() == "sysdate" and isinstance(name.parent, exp.Column) and not name.parent.table
    return is_label or is_sysdate
