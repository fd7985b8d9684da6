"""Lines of a draft in TOML: settings, each with what is unsure of it."""

from __future__ import annotations

import json
from collections.abc import Iterable


def unsure(doubt: str | None) -> str:
    """The comment at the end of a line; nothing where there is no doubt."""
    return f"  # unsure: {comment(doubt)}" if doubt else ""


def comment(text: str) -> str:
    """A text from a file, fit for a comment."""
    return "".join(each if each.isprintable() else "?" for each in text)


def toml_text(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for the character 0x7F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_list(texts: Iterable[str]) -> str:
    """A TOML array of strings."""
    return f"[{', '.join(map(toml_text, texts))}]"
