"""What the build behind the page says of its data: records by table, tests by outcome, findings; sentences out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.doubts import Finding, doubt_of, notes_at
from reports.languages import join_sentences, mark, tr, tr_many
from reports.past import Change, changes_at

DAY_HOURS = 24
TEST_KINDS = {
    "keys": mark("Keys are unique, and nothing is missing that must be there"),
    "values": mark("Values are those allowed, periods have no gaps"),
    "figures": mark("Figures agree with what was delivered"),
    "examples": mark("Rules give the known result on examples"),
    "findings": mark("Checks that warn and hold nothing up"),
    "others": mark("Others"),
}
AGE_STATES = {
    "pass": mark("fresh"),
    "warn": mark("old"),
    "error": mark("too old"),
    "runtime error": mark("not known"),
}


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
class TestCount:
    """How the tests of one kind ended; `kind` is a key of TEST_KINDS."""

    __test__ = False  # it is none of pytest's

    kind: str
    passed: int
    warned: int

    @property
    def name(self) -> str:
        """What they look at, in the reader's language."""
        return tr(TEST_KINDS.get(self.kind, TEST_KINDS["others"]))


@dataclass(frozen=True)
class Age:
    """How old the newest load of a table was when the marts were built; `age_hours` is None where nobody knows.

    `status` is dbt's: pass, warn, error, runtime error.
    """

    table: str
    status: str
    age_hours: float | None

    @property
    def text(self) -> str:
        """In hours, from two days on in days."""
        if self.age_hours is None:
            return tr("not known")
        if self.age_hours < 2 * DAY_HOURS:
            return tr_many("{count} hour", "{count} hours", round(self.age_hours))
        return tr_many("{count} day", "{count} days", int(self.age_hours / DAY_HOURS))

    @property
    def state(self) -> str:
        """Whether that is as it should be, by the thresholds of the dbt project."""
        return tr(AGE_STATES.get(self.status, AGE_STATES["runtime error"]))


@dataclass(frozen=True)
class Quality:
    """`tests_passed` and `tests_warned` are None, `tables`, `tests` and `ages` empty, of a build without them.

    `changes` is what was delivered since a past day and changed it; None for a day that is not past.
    """

    tables: tuple[TableRows, ...] = ()
    tests_passed: int | None = None
    tests_warned: int | None = None
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] | None = None
    tests: tuple[TestCount, ...] = ()
    ages: tuple[Age, ...] = ()

    @property
    def set_aside(self) -> tuple[tuple[str, int], ...]:
        """Tables with the number of their records in quarantine."""
        return tuple((table.table, table.rows_quarantined) for table in self.tables)

    def age_of(self, table: str) -> Age | None:
        """How old a table is; None for one that need not come."""
        return next((age for age in self.ages if age.table == table), None)

    @property
    def never_loaded(self) -> tuple[str, ...]:
        """Tables that are waited for and have no file."""
        known = {table.table for table in self.tables}
        return tuple(age.table for age in self.ages if age.table.startswith("raw_") and age.table not in known)

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
