"""Looks at a shop's files in; which of them are which table out, and why the others are left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from flows.lake.contracts import CONTRACTS
from flows.lake.draft_columns import fold, match_columns
from flows.lake.draft_doubts import describe_unread
from flows.lake.draft_lines import find_lines
from flows.lake.draft_words import TABLE_WORDS
from flows.lake.look import Look

NAMED, MISSING = 3, 0.5  # what a word in the file's name counts for, and a required column against, beside one found
LEAST = 1
MOST_NAMED = 3


def sort_tables(looks: Sequence[Look]) -> tuple[dict[str, list[Look]], list[str]]:
    """The looks of each table, the one that tells most first; and what is to be said of those that are left out."""
    tables: defaultdict[str, list[tuple[float, Look]]] = defaultdict(list)
    told: list[str] = []
    for look in looks:
        lines_of_orders = find_lines(look)
        score, table = (0.0, "") if lines_of_orders else _guess_table(look)
        if score > LEAST:
            tables[table].append((score, look))
        else:
            name = look.path.name
            told.append(lines_of_orders.describe(name) if lines_of_orders else f"{name} fits no table and is left out")
    kept = {}
    for table, found in tables.items():
        kept[table], others = _keep_alike(table, found)
        told += others
    return kept, told


def _guess_table(look: Look) -> tuple[float, str]:
    """By what columns a file has and lacks, and by a word in its name; with how much that says."""
    name = fold(look.path.name)
    return max(
        (
            (_weigh(table, look) + NAMED * any(word in name for word in words), table)
            for table, words in TABLE_WORDS.items()
        ),
        key=lambda each: each[0],  # of equals the first
    )


def _weigh(table: str, look: Look) -> float:
    """How many columns of a table a file has, less some for those that it needs and the file lacks."""
    columns = match_columns(table, look.values)
    absent = [name for name in CONTRACTS[table].required if name not in columns]
    unread = sum(describe_unread(table, name, look.values, columns) is not None for name in absent)
    return len(columns) + unread - MISSING * (len(absent) - unread)


def _keep_alike(table: str, found: Sequence[tuple[float, Look]]) -> tuple[list[Look], list[str]]:
    """Those that are written as the one that tells most and have its columns; and why the others are left out."""
    alike = Counter(_describe(look) for _, look in found)
    ranked = [look for _, look in sorted(found, key=lambda each: (-each[0], -alike[_describe(each[1])]))]
    first = ranked[0]
    if first.is_ascii:  # which says nothing of the letters that another file has
        letters = next((look for look in ranked if not look.is_ascii and not _is_utf_16(look)), first)
        first = replace(first, encoding=letters.encoding, unsure=letters.unsure | first.unsure)
    columns = list(match_columns(table, first.values).values())
    kept, told = [first], []
    for look in ranked[1:]:
        fault = _find_fault(look, first, columns)
        if fault:
            told.append(f"{look.path.name} {fault} {first.path.name}, which is taken for {table}, and is left out")
        else:
            kept.append(look)
    return sorted(kept, key=lambda look: (look is not first, look.path)), sorted(told)


def _is_utf_16(look: Look) -> bool:
    return look.encoding.startswith("utf-16")


def _describe(look: Look) -> tuple[str, str, frozenset[str]]:
    return look.delimiter, look.encoding, frozenset(look.values)


def _find_fault(look: Look, first: Look, columns: Sequence[str]) -> str | None:
    """Why a file cannot be read as another of its table is; None if it can."""
    if look.delimiter != first.delimiter:
        return f"is separated by {look.delimiter!r}, not by {first.delimiter!r} as"
    if look.encoding != first.encoding and not (look.is_ascii and not _is_utf_16(first)):
        return f"has the encoding {look.encoding}, not {first.encoding} as"
    missing = [f'"{name}"' for name in columns if name not in look.values]
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    return f"lacks {', '.join(missing[:MOST_NAMED])}{more} of" if missing else None
