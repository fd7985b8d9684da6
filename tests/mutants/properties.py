"""Mutants of YAML: only what changes numbers, that is `where:` conditions of tests and numbers of the project's vars.

Seeds are left out: they hold the business's own thresholds and terms, which no test of the project may know.
"""

from __future__ import annotations

import re

from tests.mutants.lexer import cut
from tests.mutants.mutations import MUTATIONS, Mutant, collect

WHERE = re.compile(r"""^\s*(?:config:\s*\{)?where:\s*(?P<quote>["'])(?P<sql>.*?)(?P=quote)""", re.MULTILINE)
VARS = re.compile(r"^vars:\n(?:[ #].*\n|\n)+", re.MULTILINE)
NUMBER = re.compile(r"^\s+\w+:\s*(?P<number>\d+(?:\.\d+)?)\s*(?:#.*)?$", re.MULTILINE)


def mutate_yaml(file: str, text: str) -> list[Mutant]:
    """Mutants of a property file or of dbt_project.yml, by place."""
    edits = []
    for match in WHERE.finditer(text):
        tokens = cut(match["sql"], match.start("sql"))
        edits += [edit for mutation in MUTATIONS for edit in mutation(tokens) if match["quote"] not in edit[3]]
    for block in VARS.finditer(text):
        for match in NUMBER.finditer(block.group()):
            start = block.start() + match.start("number")
            number = match["number"]
            doubled = str(float(number) * 2) if "." in number else str(int(number) + 1)
            edits.append(("constant", start, start + len(number), doubled))
    return collect(file, text, iter(edits))
