"""Redshift's grammar for sqlglot, without what sqlglot knows of functions.

sqlglot would turn a function into PostgreSQL's nearest, and so hide what Redshift does. Here a function keeps its name;
which ones there are and what they do is said in `functions` and `catalogue.sql`.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.redshift import Redshift as SqlglotRedshift
from sqlglot.tokens import TokenType


class Redshift(SqlglotRedshift):
    """Reads what clients send."""

    class Tokenizer(SqlglotRedshift.Tokenizer):
        HEREDOC_STRINGS: ClassVar = []  # "$1,$2" are two bind parameters, not the start of a text
        COMMANDS: ClassVar = set()  # nor are words after SHOW or VACUUM one text
        VAR_SINGLE_TOKENS: ClassVar = set()
        SINGLE_TOKENS: ClassVar = {**SqlglotRedshift.Tokenizer.SINGLE_TOKENS, "$": TokenType.PARAMETER}

    class Parser(SqlglotRedshift.Parser):
        FUNCTIONS: ClassVar = {}
        FUNCTION_PARSERS: ClassVar = {
            name: parser
            for name, parser in SqlglotRedshift.Parser.FUNCTION_PARSERS.items()
            if name in {"CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM"}
        }
        CONSTRAINT_PARSERS: ClassVar = {
            **SqlglotRedshift.Parser.CONSTRAINT_PARSERS,
            **dict.fromkeys(("DISTKEY", "SORTKEY"), lambda _: exp.EncodeColumnConstraint(this=exp.var("key"))),
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {
            name: parser
            for name, parser in SqlglotRedshift.Parser.NO_PAREN_FUNCTION_PARSERS.items()
            if name in {"ANY", "CASE"}
        }


class Backend(Postgres):
    """Writes what PostgreSQL is sent."""

    class Generator(Postgres.Generator):
        TRANSFORMS: ClassVar = {
            **Postgres.Generator.TRANSFORMS,
            exp.Interval: lambda self, node: f"INTERVAL {self.sql(node, 'this')} {self.sql(node, 'unit')}".rstrip(),
        }
