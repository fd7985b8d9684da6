"""Statements that are no queries and change no tables: transactions, settings, locks, maintenance, roles.

Pages: r_BEGIN, r_COMMIT, r_ROLLBACK, r_SET, r_SHOW, r_LOCK, r_ANALYZE, r_VACUUM_command, r_COMMENT,
r_CREATE_GROUP, r_CREATE_USER.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot.tokens import Token, TokenType

from tests.warehouse.redshift_standin.privileges import translate_privileges
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin, unsupported
from tests.warehouse.redshift_standin.words import join_names, list_words

# r_BEGIN: a transaction reads one snapshot, whatever the level is called
BEGIN = "begin isolation level repeatable read"
POSTGRES_SETTINGS = {
    "search_path",
    "statement_timeout",
    "timezone",
    "datestyle",
    "application_name",
    "extra_float_digits",
}
REDSHIFT_SETTINGS = {
    *(
        "query_group",
        "enable_result_cache_for_session",
        "wlm_query_slot_count",
        "analyze_threshold_percent",
        "describe_field",
    ),
    *("error_on_nondeterministic_update", "interval_forbid_composite_literals", "json_serialization_enable"),
}
KNOWN_ELSEWHERE = {
    *("call", "cancel", "deallocate", "execute", "explain", "prepare", "refresh", "reset"),
    *("use", "attach", "detach", "desc"),
}


@dataclass(frozen=True)
class Command:
    """What PostgreSQL runs in its place."""

    postgres: str
    is_barred_from_transactions: bool = False
    account: tuple[str, str] | None = None  # a user that may log in from then on, and the password


def find_command(tokens: list[Token]) -> Command | None:
    """The command that these tokens are, or None if they are none of this module.

    Raises:
        SqlError: the command has something that Redshift or the stand-in does not know.
    """
    first, second = list_words(tokens)[0], (*list_words(tokens), "")[1]
    if (first, second) == ("create", "schema") and list_words(tokens)[-2] == "authorization":  # r_CREATE_SCHEMA
        exists = "if not exists " if list_words(tokens)[2:5] == ["if", "not", "exists"] else ""
        return Command(f"create schema {exists}{join_names(tokens[-3:-2])} authorization {join_names(tokens[-1:])}")
    if first in {"create", "drop"} and second in {"group", "role", "user"}:
        return _change_role(first, second, tokens[2:])
    reader = COMMANDS.get(first)
    return reader(tokens[1:]) if reader else None


def refusal(first: str) -> SqlError:
    """The error for a statement that begins with this word."""
    if first in KNOWN_ELSEWHERE:
        return beyond_standin(first.upper())
    if first == "values":
        return unsupported("a VALUES list as a table is")
    return SqlError(f'syntax error at or near "{first}"')


def _begin(tokens: list[Token]) -> Command:
    words = [word for word in list_words(tokens) if word not in {"work", "transaction"}]
    known = {"isolation", "level", "serializable", "snapshot", "read", "write", "only", ",", "read write", "read only"}
    if unknown := [word for word in words if word not in known]:
        raise SqlError(f'syntax error at or near "{unknown[0]}"')
    return Command(BEGIN + (" read only" if "only" in words or "read only" in words else ""))


def _end(statement: str) -> Callable[[list[Token]], Command]:
    def read(tokens: list[Token]) -> Command:
        if unknown := [word for word in list_words(tokens) if word not in {"work", "transaction"}]:
            raise SqlError(f'syntax error at or near "{unknown[0]}"')
        return Command(statement)

    return read


def _set(tokens: list[Token]) -> Command:
    words = list_words(tokens)
    if words[:1] in (["local"], ["session"]):
        raise beyond_standin(f"SET {words[0].upper()}")
    name, values = words[0] if words else "", tokens[2:]
    if len(words) < 3 or words[1] not in {"=", "to"}:
        raise SqlError("syntax error in SET")
    return Command(f"set {_setting(name)} to {_values(values)}")


def _show(tokens: list[Token]) -> Command:
    if list_words(tokens) == ["transaction", "isolation", "level"]:  # SQLAlchemy asks this of every server
        return Command("select 'SERIALIZABLE'::varchar as transaction_isolation")
    if len(tokens) != 1:
        raise beyond_standin(f"SHOW {' '.join(list_words(tokens))}")
    return Command(f"show {_setting(list_words(tokens)[0])}")


def _setting(name: str) -> str:
    if name in POSTGRES_SETTINGS:
        return name
    if name in REDSHIFT_SETTINGS:
        return f"standin.{name}"
    raise beyond_standin(f"the setting {name}")


def _values(tokens: list[Token]) -> str:
    parts = []
    for token in tokens:
        is_string = token.token_type == TokenType.STRING
        if not is_string and token.text != "," and token.text.lower() == "default":
            parts.append("default")
        else:
            parts.append(token.text if token.text == "," and not is_string else _literal(token.text))
    return " ".join(parts)


def _lock(tokens: list[Token]) -> Command:
    """r_LOCK: it always takes the strongest lock."""
    return Command(f"lock table {join_names(_without(tokens, 'table'))} in access exclusive mode")


def _analyze(tokens: list[Token]) -> Command:
    if "compression" in list_words(tokens):
        raise beyond_standin("ANALYZE COMPRESSION")
    return Command(f"analyze {join_names(tokens)}" if tokens else "analyze")


def _vacuum(tokens: list[Token]) -> Command:
    kinds = {"full", "sort", "delete", "only", "reindex", "recluster", "boost"}
    if list_words(tokens)[-1:] == ["percent"]:
        tokens = tokens[:-3]  # TO threshold PERCENT
    rest = [token for token in tokens if token.text.lower() not in kinds]
    names = join_names(rest) if rest else ""
    return Command(f"vacuum {names}".strip(), is_barred_from_transactions=True)


def _comment(tokens: list[Token]) -> Command:
    """r_COMMENT: on a table, a view, a column or a schema."""
    words = list_words(tokens)
    if len(words) < 5 or words[0] != "on" or words[-2] != "is" or words[1] not in {"table", "view", "column", "schema"}:
        raise beyond_standin(f"COMMENT {' '.join(words[:2]).upper()}")
    text = _literal(tokens[-1].text) if tokens[-1].token_type == TokenType.STRING else _null(tokens[-1])
    return Command(f"comment on {words[1]} {join_names(tokens[2:-2])} is {text}")


def _null(token: Token) -> str:
    if token.text.lower() != "null":
        raise SqlError(f'syntax error at or near "{token.text}"')
    return "null"


def _change_role(verb: str, kind: str, tokens: list[Token]) -> Command:
    """Groups, roles and users are PostgreSQL roles; a user that has a password may log in with it."""
    words = list_words(tokens)
    exists = "if exists " if words[:2] == ["if", "exists"] else ""
    rest = tokens[2:] if exists else tokens
    if verb == "create" and kind == "user":
        return _create_user(tokens)
    if verb == "drop" and kind == "role" and not exists and words[1:] in ([], ["force"]):
        return Command(f"select standin.drop_role({_literal(join_names(rest[:1]))}, {bool(words[1:])})")
    if len(rest) != 1:
        raise beyond_standin(f"{verb.upper()} {kind.upper()} with options")
    return Command(f"{verb} role {exists}{join_names(rest)}")


def _create_user(tokens: list[Token]) -> Command:
    """r_CREATE_USER: `CREATE USER name [WITH] PASSWORD {'password' [IN GROUP name] | DISABLE}`, and good passwords."""
    words = [word for word in list_words(tokens) if word != "with"]
    if words[1:] == ["password", "disable"]:
        return Command(f"create role {join_names(tokens[:1])}")
    texts = [token for token in tokens if token.token_type == TokenType.STRING]
    if words[1:2] != ["password"] or len(texts) != 1 or words[3:5] not in ([], ["in", "group"]):
        raise beyond_standin("CREATE USER with options")
    password = texts[0].text
    kinds = (any(map(test, password)) for test in (str.isupper, str.islower, str.isdigit))
    if not 8 <= len(password) <= 64 or not all(kinds):
        raise SqlError("password must be 8 to 64 characters with an uppercase letter, a lowercase letter and a digit")
    name = join_names(tokens[:1])
    group = f" in role {join_names(tokens[-1:])}" if "group" in words else ""
    return Command(f"create role {name} login{group}", account=(tokens[0].text.lower(), password))


def _without(tokens: list[Token], word: str) -> list[Token]:
    return tokens[1:] if tokens and tokens[0].text.lower() == word else tokens


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


COMMANDS: dict[str, Callable[[list[Token]], Command]] = {
    "begin": _begin,
    "start": _begin,
    "commit": _end("commit"),
    "end": _end("commit"),
    "rollback": _end("rollback"),
    "abort": _end("rollback"),
    "set": _set,
    "show": _show,
    "lock": _lock,
    "analyze": _analyze,
    "vacuum": _vacuum,
    "comment": _comment,
    "grant": lambda tokens: Command(translate_privileges("grant", tokens)),
    "revoke": lambda tokens: Command(translate_privileges("revoke", tokens)),
}
