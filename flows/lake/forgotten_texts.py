"""Ids and names that must go in; the places in running text, and in files of it, where they stand out.

This is for what the product wrote itself: summaries, logs, pages. There the ids are at hand and a plain search is
quick; what is delivered later is known by digests (`forgetting`).
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from flows.lake.forgetting import HIDDEN, MIN_TELLING

CHUNK = 1 << 22
_MIXED_IN = re.compile(r"base64,([A-Za-z0-9+/]{16,})")
_SEPARATORS = r""",;|\t\r\n"'"""


@dataclass(frozen=True)
class Names:
    """Ids and names of customers; texts too short to tell a person from a word are not looked for in running text."""

    texts: frozenset[str]

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        telling = sorted((text for text in self.texts if len(text) >= MIN_TELLING), key=len, reverse=True)
        spellings = [spelling for text in telling for spelling in _spell(text)]
        if not spellings:
            return None
        return re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in spellings), re.IGNORECASE)

    def are_in(self, text: str) -> bool:
        """Whether one of them stands in a text; also within what it holds as base64, such as a drawing."""
        if self._pattern is None:
            return False
        return bool(self._pattern.search(text)) or any(
            self._pattern.search(_decode(match[1])) for match in _MIXED_IN.finditer(text)
        )

    def hide(self, text: str) -> str:
        """The text with a sentence in place of each."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def hide_in(self, value: Any) -> Any:
        """What JSON holds, with no text in it that names one of them; keys and numbers stay."""
        if isinstance(value, dict):
            return {key: self.hide_in(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.hide_in(each) for each in value]
        return self.hide(value) if isinstance(value, str) else value


def is_delivered_in(path: Path, ids: Iterable[str]) -> bool:
    """Whether a source file, plain or gzip, holds one of these ids as a field; UTF-16 is searched too."""
    wanted = sorted(ids)
    fields = "|".join(re.escape(each) for each in wanted).encode()
    ends = _SEPARATORS.encode()
    pattern = re.compile(rb"(?:\A|[" + ends + rb"])(?:" + fields + rb")(?:\Z|[" + ends + rb"])")
    wide = [each.encode(encoding) for each in wanted for encoding in ("utf-16-le", "utf-16-be")]
    kept = max(map(len, wide), default=0) + 2
    with _open(path) as file:
        tail = b"\n"
        while chunk := file.read(CHUNK):
            data = tail + chunk
            if pattern.search(data) or any(each in data for each in wide):
                return True
            tail = data[-kept:]
    return False


def _open(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")


def _spell(text: str) -> set[str]:
    """As it is, and as HTML, JSON, Markdown and a shortened drawing have it."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~$@-])", r"\\\1", text)
    return {
        text,
        html.escape(text),
        html.escape(text, quote=False),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        escaped,
        html.escape(escaped, quote=False),
        re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", html.escape(text, quote=False)),
    }


def _decode(mixed_in: str) -> str:
    whole = mixed_in[: len(mixed_in) // 4 * 4]
    rest = mixed_in[len(whole) :]  # of what is cut off; one character alone says nothing
    padded = whole + (rest + "=" * (4 - len(rest)) if len(rest) > 1 else "")
    return base64.b64decode(padded).decode("utf-8", "replace")
