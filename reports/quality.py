"""What the build behind the page says of its data: records by table, tests by outcome, findings; sentences out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.doubts import Finding, doubt_of, notes_at
from reports.languages import join_sentences, tr, tr_many
from reports.past import Change, changes_at


@dataclass(frozen=True)
class TableRows:
    """The accounting of one raw table; `last_loaded_at` is UTC."""

    table: str
    files: int
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    last_loaded_at: datetime


@dataclass(frozen=True)
class Quality:
    """`tests_passed` and `tests_warned` are None, and `tables` empty, of a build that did not record them.

    `changes` is what was delivered since a past day and changed it; None for a day that is not past.
    """

    tables: tuple[TableRows, ...] = ()
    tests_passed: int | None = None
    tests_warned: int | None = None
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] | None = None

    @property
    def set_aside(self) -> tuple[tuple[str, int], ...]:
        """Tables with the number of their records in quarantine."""
        return tuple((table.table, table.rows_quarantined) for table in self.tables)

    def notes_at(self, kpi: str) -> tuple[str, ...]:
        """What makes a KPI's number doubtful."""
        return (*notes_at(kpi, self.findings, self.set_aside), *changes_at(kpi, self.changes))


def write_tests(quality: Quality) -> str:
    """How the tests of the star schema ended; the page is only made where every blocking one passed."""
    if quality.tests_passed is None:
        return tr("every blocking test of the star schema passed")
    passed = tr_many("{count} test passed", "{count} tests passed", quality.tests_passed)
    if not quality.tests_warned:
        return passed
    warned = tr_many("{count} found something", "{count} found something", quality.tests_warned)
    return f"{passed}, {warned}"


def write_warning(quality: Quality) -> str:
    """One sentence where something on the page is doubtful, else empty."""
    doubtful = [finding for finding in quality.findings if finding.count and doubt_of(finding.name).kpis]
    told = [finding.sentence for finding in doubtful[:3]]
    lost = sum(count for _, count in quality.set_aside)
    if lost:
        told.append(tr_many("{count} record set aside.", "{count} records set aside.", lost))
    if len(doubtful) > 3:  # noqa: PLR2004 - three are read, more are skipped
        told.append(tr_many("{count} more finding.", "{count} more findings.", len(doubtful) - 3))
    return join_sentences(*told, tr("Each is told beside the numbers that it touches.")) if told else ""
