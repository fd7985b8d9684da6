"""What became of the mutants, in words; and which of the survivors somebody has looked at."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.project import Project
from tests.mutants.worker import Verdict

REVIEWED = Path(__file__).with_name("survivors.toml")
LEAST_CAUGHT_PCT = 95

Judged = Sequence[tuple[Mutant, Verdict]]


@dataclass(frozen=True)
class Review:
    """Survivors that fit and why nothing is amiss; `equivalent` ones, that no data can tell apart, are not counted."""

    file: str
    after: str
    reason: str
    equivalent: bool
    before: str = "*"

    def fits(self, file: str, before: str, after: str) -> bool:
        return (
            fnmatchcase(file, self.file)
            and fnmatchcase(before, _literal(self.before))
            and fnmatchcase(after, _literal(self.after))
        )


def read_reviews(path: Path = REVIEWED) -> list[Review]:
    """The reviewed survivors: file, the line before and after, where `*` stands for anything."""
    return [Review(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])]


def caught_pct(judged: Judged, project: Project, reviews: Sequence[Review]) -> float:
    """Caught of those that count: not the invalid, not the survivors that no data can tell from the original."""
    outcomes = Counter(_outcome(mutant, verdict, project, reviews) for mutant, verdict in judged)
    counted = outcomes["caught"] + outcomes["reviewed"] + outcomes["survived"]
    return 100 * outcomes["caught"] / counted if counted else 100.0


def describe(judged: Judged, project: Project, reviews: Sequence[Review]) -> str:
    """The survivors with their lines, then one line of sums."""
    outcomes = Counter(_outcome(mutant, verdict, project, reviews) for mutant, verdict in judged)
    lines = [describe_survivor(mutant, project, reviews) for mutant, verdict in judged if verdict.outcome == "survived"]
    sums = ", ".join(f"{outcomes[name]} {name}" for name in ("caught", "survived", "reviewed", "equivalent", "invalid"))
    return "\n".join([*lines, f"{len(judged)} mutants: {sums}; {caught_pct(judged, project, reviews):.1f} % caught"])


def describe_survivor(mutant: Mutant, project: Project, reviews: Sequence[Review]) -> str:
    """Place and kind of the change, the line before and after, and the reason if somebody wrote one."""
    before, after = mutant.describe(project.text(mutant.file))
    review = _review(mutant, project, reviews)
    reason = f"\n    {review.reason}" if review else ""
    return f"{mutant.file}:{mutant.line} {mutant.kind}\n  - {before}\n  + {after}{reason}"


def _outcome(mutant: Mutant, verdict: Verdict, project: Project, reviews: Sequence[Review]) -> str:
    review = _review(mutant, project, reviews) if verdict.outcome == "survived" else None
    if review:
        return "equivalent" if review.equivalent else "reviewed"
    return verdict.outcome


def _review(mutant: Mutant, project: Project, reviews: Sequence[Review]) -> Review | None:
    lines = mutant.describe(project.text(mutant.file))
    return next((review for review in reviews if review.fits(mutant.file, *lines)), None)


def _literal(pattern: str) -> str:
    """Only `*` is a sign of the pattern: SQL has brackets of its own."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
