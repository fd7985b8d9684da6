"""The COPY command: its text in, a checked description out.

Pages: r_COPY_command_examples, copy-usage_notes-copy-from-columnar (the only parameters that columnar COPY knows).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot.tokens import Token, TokenType

from tests.warehouse.redshift_standin.names import shorten_name
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin

# parameters of COPY that are not on the list of copy-usage_notes-copy-from-columnar
NOT_COLUMNAR = {
    *(
        "acceptanydate",
        "blanksasnull",
        "bzip2",
        "compupdate",
        "comprows",
        "csv",
        "dateformat",
        "delimiter",
        "emptyasnull",
    ),
    *("encoding", "encrypted", "escape", "fixedwidth", "gzip", "ignoreblanklines", "ignoreheader"),
    *("lzop", "maxerror", "noload", "null", "quote", "region", "removequotes", "roundec", "ssh", "timeformat"),
    *("trimblanks", "truncatecolumns", "zstd", "json", "avro", "shapefile", "kms_key_id", "master_symmetric_key"),
}
OTHER_CREDENTIALS = {"credentials", "access_key_id", "secret_access_key", "session_token"}
UNKNOWN_HERE = {"fillrecord", "acceptinvchars", "explicit_ids", "serializetojson", "readratio", "orc"}
SWITCH = {"on", "off", "true", "false"}


@dataclass(frozen=True)
class Copy:
    """`copy table (columns) from url iam_role role format as parquet`; names are folded and quoted."""

    table: str
    columns: tuple[str, ...]
    url: str
    role: str
    is_manifest: bool


def parse_copy(tokens: list[Token]) -> Copy:
    """Read the tokens of one COPY command.

    Raises:
        SqlError: a parameter that columnar COPY does not have, or one that the stand-in does not know.
    """
    reader = CommandReader(tokens[1:])
    table = reader.take_name()
    columns = reader.take_columns()
    reader.expect("from")
    url = reader.take_string()
    options = _read_options(reader)
    if "parquet" not in options:
        raise beyond_standin("a COPY without FORMAT AS PARQUET")
    if "iam_role" not in options:
        raise SqlError("CREDENTIALS argument is required but not provided.", "XX000")  # unconfirmed
    return Copy(table, columns, url, options["iam_role"], "manifest" in options)


def _read_options(reader: CommandReader) -> dict[str, str]:
    options: dict[str, str] = {}
    while reader.rest:
        word = reader.take_word()
        if word in options:
            raise SqlError(f'conflicting or redundant options: "{word}"', "42601")  # unconfirmed
        if word == "iam_role":  # copy-parameters-authorization: DEFAULT or an ARN
            options[word] = "default" if reader.skip("default") else reader.take_string()
        elif word == "format":
            reader.skip("as")
            options[_check_format(reader.take_word())] = ""
        elif word in {"manifest", "parquet"}:
            options[word] = ""
        elif word == "statupdate":  # copy-parameters-data-load: ON, OFF or neither
            options[word] = reader.take_word() if reader.rest and reader.rest[0].text.lower() in SWITCH else "on"
        else:
            raise _refusal(word)
    return options


def _check_format(name: str) -> str:
    if name != "parquet":
        raise beyond_standin(f"COPY of the format {name}")
    return name


def _refusal(word: str) -> SqlError:
    if word in NOT_COLUMNAR:
        return SqlError(
            f"{word.upper()} argument is not supported for PARQUET based COPY", "0A000"
        )  # as users report it
    if word in OTHER_CREDENTIALS:
        return beyond_standin("COPY with credentials other than IAM_ROLE")
    if word in UNKNOWN_HERE:
        return beyond_standin(f"COPY with {word.upper()}")
    return SqlError(f'syntax error at or near "{word}"')


class CommandReader:
    """Takes the tokens of a command, one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self.rest = list(tokens)

    def take(self) -> Token:
        if not self.rest:
            raise SqlError("syntax error at end of input")
        return self.rest.pop(0)

    def take_word(self) -> str:
        token = self.take()
        if token.token_type in {TokenType.STRING, TokenType.IDENTIFIER}:
            raise SqlError(f'syntax error at or near "{token.text}"')
        return token.text.lower()

    def take_string(self) -> str:
        token = self.take()
        if token.token_type != TokenType.STRING:
            raise SqlError(f'syntax error at or near "{token.text}"')
        return token.text

    def take_identifier(self) -> str:
        token = self.take()
        if not (token.token_type == TokenType.IDENTIFIER or token.text.replace("_", "a").isalnum()):
            raise SqlError(f'syntax error at or near "{token.text}"')
        return '"' + shorten_name(token.text.lower()).replace('"', '""') + '"'

    def take_name(self) -> str:
        parts = [self.take_identifier()]
        while self.skip("."):
            parts.append(self.take_identifier())
        return ".".join(parts)

    def take_columns(self) -> tuple[str, ...]:
        columns: list[str] = []
        if self.skip("("):
            columns.append(self.take_identifier())
            while self.skip(","):
                columns.append(self.take_identifier())
            self.expect(")")
        return tuple(columns)

    def skip(self, text: str) -> bool:
        is_next = bool(self.rest) and self.rest[0].text.lower() == text
        if is_next:
            self.rest.pop(0)
        return is_next

    def expect(self, text: str) -> None:
        if not self.skip(text):
            raise SqlError(f'syntax error at or near "{self.rest[0].text if self.rest else "end of input"}"')
