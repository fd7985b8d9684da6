"""The UNLOAD command: its text in, a checked description out. Page: r_UNLOAD, with "FORMAT AS PARQUET clause"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.tokens import Token

from tests.warehouse.redshift_standin.copy_command import SWITCH, CommandReader
from tests.warehouse.redshift_standin.dialect import Redshift
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin

# "You can't use PARQUET with DELIMITER, FIXEDWIDTH, ADDQUOTES, ESCAPE, NULL AS, HEADER, GZIP, BZIP2, or ZSTD"
NOT_PARQUET = {"delimiter", "fixedwidth", "addquotes", "escape", "null", "header", "gzip", "bzip2", "zstd"}
UNKNOWN_HERE = {"csv", "json", "partition", "manifest", "cleanpath", "region", "extension", "master_symmetric_key"}
OTHER_CREDENTIALS = {"credentials", "access_key_id", "secret_access_key", "session_token"}
SWITCHES = {"allowoverwrite": "is_overwriting", "encrypted": "is_encrypted"}
MEGABYTES = {"mb": 1, "gb": 1024}
FILE_MEGABYTES = (5, 6.2 * 1024)  # MAXFILESIZE: "a decimal value between 5 MB and 6.2 GB"
GROUP_MEGABYTES = (32, 128)  # ROWGROUPSIZE


@dataclass
class Unload:
    """`unload ('query') to 'url' iam_role role format as parquet`; `postgres` is the query for PostgreSQL."""

    postgres: str
    url: str
    role: str = ""
    formats: list[str] = field(default_factory=list)
    is_parallel: bool = True
    is_overwriting: bool = False
    kms_key_id: str = ""
    is_encrypted: bool = False


def parse_unload(tokens: list[Token], translate_query: Callable[[str], str]) -> Unload:
    """Read the tokens of one UNLOAD command.

    Raises:
        SqlError: what r_UNLOAD does not allow, or what the stand-in does not know.
    """
    reader = CommandReader(tokens[1:])
    reader.expect("(")
    query = reader.take_string()
    reader.expect(")")
    reader.expect("to")
    _check_query(query)
    unload = Unload(translate_query(query), reader.take_string())
    while reader.rest:
        _read_option(unload, reader, reader.take_word())
    _check(unload)
    return unload


def _check_query(query: str) -> None:
    """ "The SELECT query can't use a LIMIT clause in the outer SELECT"; words as users report them."""
    tree = sqlglot.parse_one(query, read=Redshift)
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SqlError(f'syntax error at or near "{query.split(maxsplit=1)[0]}"')
    if tree.args.get("limit"):
        raise SqlError("Limit clause is not supported", "0A000")


def _read_option(unload: Unload, reader: CommandReader, word: str) -> None:
    if word == "iam_role":
        unload.role = "default" if reader.skip("default") else reader.take_string()
    elif word == "format":
        reader.skip("as")
        unload.formats.append(reader.take_word())
    elif word == "parquet":
        unload.formats.append(word)
    elif word in {"maxfilesize", "rowgroupsize"}:
        _check_size(word, reader)
    elif word == "parallel":
        unload.is_parallel = not (reader.rest[0].text.lower() in SWITCH and reader.take_word() in {"off", "false"})
    elif word in SWITCHES:
        setattr(unload, SWITCHES[word], True)
    elif word == "kms_key_id":
        unload.kms_key_id = reader.take_string()
    else:
        raise _refusal(word)


def _check_size(word: str, reader: CommandReader) -> None:
    reader.skip("as")
    number = reader.take().text
    unit = reader.take_word() if reader.rest and reader.rest[0].text.lower() in MEGABYTES else "mb"
    least, most = FILE_MEGABYTES if word == "maxfilesize" else GROUP_MEGABYTES
    if not re.fullmatch(r"\d+(\.\d+)?", number) or not least <= float(number) * MEGABYTES[unit] <= most:
        raise SqlError(f"{word.upper()} must be between {least} MB and {most:g} MB", "22023")  # unconfirmed


def _check(unload: Unload) -> None:
    if unload.formats != ["parquet"]:
        raise beyond_standin("an UNLOAD without FORMAT AS PARQUET")
    if not unload.role:
        raise SqlError("CREDENTIALS argument is required but not provided.", "XX000")  # unconfirmed
    if unload.kms_key_id and not unload.is_encrypted:
        raise SqlError("KMS_KEY_ID requires the ENCRYPTED parameter", "0A000")  # unconfirmed
    if unload.is_encrypted and not unload.kms_key_id:
        raise beyond_standin("ENCRYPTED without KMS_KEY_ID")
    if unload.url.rsplit("/", 1)[-1][:1] in {"_", "."}:
        raise beyond_standin("a prefix of names that Spectrum hides")  # "Don't specify file name prefixes that begin…"


def _refusal(word: str) -> SqlError:
    if word in NOT_PARQUET:
        return SqlError(f"{word.upper()} is not supported for UNLOAD to PARQUET", "0A000")  # unconfirmed
    if word in OTHER_CREDENTIALS:
        return beyond_standin("UNLOAD with credentials other than IAM_ROLE")
    if word in UNKNOWN_HERE:
        return beyond_standin(f"UNLOAD with {word.upper()}")
    return SqlError(f'syntax error at or near "{word}"')
