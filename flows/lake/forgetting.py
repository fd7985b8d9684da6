"""Customers who asked to be forgotten: records in, the same records with a pseudonym in place of id and name out.

Nobody keeps their ids. What is kept is HMAC-SHA-256 (RFC 2104) of ids and names, with a key of this warehouse alone; so
a record of theirs is known again when it is delivered again, and a list of digests tells nobody whom it is about. Equal
ids have equal pseudonyms: the orders of a customer stay those of one customer, and no figure changes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from flows.lake.contracts import Contract

PSEUDONYM = re.compile(r"\Aforgotten-[0-9a-f]{32}\Z")
HIDDEN = "(removed: it named a customer who was forgotten)"
WHOLE_FIELD = 0  # the word count of a digest that is of a whole field
MIN_TELLING = 5  # characters; a shorter id or name is looked for in whole fields only, for words are often as short
_WORD = re.compile(r"\w+|[^\w\s]")
_FIELD_ENDS = re.compile(r"""[,;|\t\r\n"']""")


@dataclass(frozen=True)
class Mention:
    """The digest of an id or a name: of a whole field, or of so many words that follow each other."""

    digest: str
    word_count: int
    pseudonym: str


@dataclass(frozen=True)
class Forgotten:
    """Who is forgotten, as a warehouse remembers it; true if anybody is."""

    key: bytes = field(default=b"", repr=False)
    mentions: frozenset[Mention] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.mentions)

    def name_pseudonym(self, customer_id: str) -> str:
        """What stands for a customer's id, whether or not they are forgotten; 42 characters."""
        return f"forgotten-{self._digest('id', customer_id)[:32]}"

    def describe(self, customer_id: str, names: Iterable[str]) -> frozenset[Mention]:
        """All by which the records of a customer are known again."""
        pseudonym = self.name_pseudonym(customer_id)
        texts = {customer_id, *names}
        fields = {Mention(self._digest("field", _fold(text)), WHOLE_FIELD, pseudonym) for text in texts}
        words = [_split_words(text) for text in texts if len(text) >= MIN_TELLING]
        return frozenset(fields | {Mention(self._digest_words(each), len(each), pseudonym) for each in words})

    def hide_records(self, records: pl.DataFrame, contract: Contract) -> pl.DataFrame:
        """Records of a table, without whoever is forgotten; columns that the contract does not know stay."""
        records = self.hide_people(records, contract.columns_of("customer"), contract.columns_of("name"))
        return records.with_columns(self._hide_texts(records[column]) for column in contract.columns_of("words"))

    def hide_people(self, records: pl.DataFrame, ids: Iterable[str], names: Sequence[str]) -> pl.DataFrame:
        """Records with a pseudonym in the columns `ids`, and what stands for their name in those of `names`."""
        for column in ids:
            known = self._find_pseudonyms(records[column])
            if known:
                is_theirs = pl.col(column).is_in(list(known))
                labels = {customer: label_of(pseudonym) for customer, pseudonym in known.items()}
                records = records.with_columns(
                    pl.when(is_theirs).then(pl.col(column).replace(labels)).otherwise(pl.col(name)).alias(name)
                    for name in names
                ).with_columns(pl.col(column).replace(known))
        return records

    def hide_raw(self, bad: pl.DataFrame) -> pl.DataFrame:
        """Bad records, whose text is gone where it names one of them; row and reason stay."""
        return bad.with_columns(self._hide_texts(bad["raw"]))

    def is_named_in(self, text: str) -> bool:
        """Whether an id or a name stands in a text: as one of its fields, or as words that follow each other."""
        return any(digest in self._digests for digest in self._digest_runs(text))

    @cached_property
    def _pseudonyms(self) -> frozenset[str]:
        return frozenset(mention.pseudonym for mention in self.mentions)

    @cached_property
    def _digests(self) -> frozenset[str]:
        return frozenset(mention.digest for mention in self.mentions)

    @cached_property
    def _word_counts(self) -> list[int]:
        return sorted({mention.word_count for mention in self.mentions} - {WHOLE_FIELD})

    def _find_pseudonyms(self, ids: pl.Series) -> dict[str, str]:
        """Id → pseudonym of those in a column who are forgotten."""
        named = ((each, self.name_pseudonym(each)) for each in ids.unique() if each is not None)
        return {customer: pseudonym for customer, pseudonym in named if pseudonym in self._pseudonyms}

    def _hide_texts(self, texts: pl.Series) -> pl.Series:
        naming = {text: HIDDEN for text in texts.unique() if text is not None and self.is_named_in(text)}
        return texts.replace(naming) if naming else texts

    def _digest_runs(self, text: str) -> Iterator[str]:
        yield self._digest("field", _fold(text))
        for part in _FIELD_ENDS.split(text):
            yield self._digest("field", _fold(part))
        words = _split_words(text)
        for count in self._word_counts:
            for start in range(len(words) - count + 1):
                yield self._digest_words(words[start : start + count])

    def _digest_words(self, words: list[str]) -> str:
        return self._digest("words", " ".join(words))

    def _digest(self, kind: str, text: str) -> str:
        return hmac.digest(self.key, f"{kind} {text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


NOBODY = Forgotten()


def label_of(pseudonym: str) -> str:
    """What stands for the name of a customer with that pseudonym."""
    return f"Forgotten customer {pseudonym.removeprefix('forgotten-')[:8]}"


def _split_words(text: str) -> list[str]:
    """Words and single signs; a quote that CSV doubles counts once."""
    return _WORD.findall(_fold(text.replace('""', '"')))


def _fold(text: str) -> str:
    """Alike for spellings that a reader takes for the same."""
    return unicodedata.normalize("NFKC", text).casefold().strip()
