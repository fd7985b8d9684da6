"""The messages of the report's sources into its catalogues: `make words`.

A message that is new comes without a translation, one that no source has any more goes; a test holds that none is
missing.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from reports.languages import KEYWORDS, LANGUAGES, LOCALES, Language

PROJECT = Path(__file__).resolve().parent.parent
METHODS = [("**.py", "python"), ("**.j2", "jinja2.ext.babel_extract")]
FOLDERS = ("reports", "flows")
PLAIN = "kpis/plain.py"  # comes last: the words that it shares with others stay where they stand
WIDTH = 120
_PERSONS_AND_TIMES = (
    b'"Report-Msgid-Bugs-To',
    b'"POT-Creation-Date',
    b'"PO-Revision-Date',
    b'"Last-Translator',
    b'"Language-Team',
    b'"Generated-By',
)


def main() -> int:
    messages = read_sources()
    for language in LANGUAGES[1:]:
        catalogue = read_catalogue(language)
        catalogue.update(messages, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        write_catalogue(language, catalogue)
        missing = [message.id for message in catalogue if message.id and not is_translated(message)]
        print(f"{language}: {len(catalogue)} messages, {len(missing)} without a translation")
        for message in missing:
            print(f"  {message}")
    return 0


def read_sources() -> Catalog:
    """Every message of the sources, in the order of files and lines."""
    messages = Catalog(charset="utf-8")
    for folder in FOLDERS:
        found = extract_from_dir(PROJECT / folder, METHODS, keywords=KEYWORDS, strip_comment_tags=True)
        for file, _, message, _, context in sorted(found, key=lambda each: (each[0] == PLAIN, *each[:2])):
            messages.add(message, locations=[(f"{folder}/{file}", None)], context=context)
    return messages


def read_catalogue(language: Language) -> Catalog:
    """The translations that are there."""
    with _path(language).open("rb") as file:
        return read_po(file, locale=language, domain="reports")


def write_catalogue(language: Language, catalogue: Catalog) -> None:
    """Save it without times and line numbers, which change when no word does."""
    written = io.BytesIO()
    write_po(written, catalogue, width=WIDTH, include_lineno=False)
    kept = [line for line in written.getvalue().splitlines(keepends=True) if not line.startswith(_PERSONS_AND_TIMES)]
    _path(language).write_bytes(b"".join(kept))


def _path(language: Language) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "reports.po"


def is_translated(message: Message) -> bool:
    """Whether it has a text in each of its plural forms."""
    texts = [message.string] if isinstance(message.string, str | None) else message.string
    return all(texts)


if __name__ == "__main__":
    sys.exit(main())
