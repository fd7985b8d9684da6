"""One Markdown page of a test run on a real Redshift, for its owner to read and to send on: no secrets, no addresses.

A pytest plugin: tests say numbers by `record_property(name, value)`; what is written of failures is cut to one line and
cleaned of all that the environment gives away.
"""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

PACKAGES = ("redshift-connector", "dbt-core", "dbt-redshift", "prefect", "prefect-dbt", "polars", "pyarrow", "boto3")
# harmless in a report, and of use in it; every other value of these names is taken out
SHOWN = ("RETAIL_REDSHIFT_METHOD", "RETAIL_REDSHIFT_PORT", "RETAIL_REDSHIFT_SSLMODE", "RETAIL_TARGET")
PRIVATE_NAMES = re.compile(r"\A(RETAIL_|AWS_|PG|PREFECT_API)")
SHAPES = {  # what such things look like, wherever they come from
    "role": re.compile(r"arn:aws[\w-]*:[\w-]*:[\w-]*:\d*:[\w/+=,.@:-]+"),
    "access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{12,}\b"),
    "bucket": re.compile(r"s3://[\w.-]+"),
    "host": re.compile(r"\b[\w-]+(\.[\w-]+)+\.amazonaws\.com(\.cn)?\b"),
    "account": re.compile(r"\b\d{12}\b"),
    "path": re.compile(r"(?<![\w.])/(?:[\w.@-]+/)+[\w.@-]*"),
}
LONGEST_REASON = 300
SHORTEST_SECRET = 4


@dataclass(eq=False)  # pytest keeps its plugins in a set
class ProofReport:
    """Collects what the tests came to; `write` makes the page. `broke_off` says how a run ended that is no proof."""

    environment: Mapping[str, str]
    broke_off: str = ""
    outcomes: list[tuple[str, str, float, str]] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a test's outcome: its call, or the set-up or end in which it failed or was left out."""
        if report.when == "call" or report.outcome != "passed":
            reason = "" if report.passed else self.clean(_reason(report))
            self.outcomes.append((_title(report.nodeid), report.outcome, report.duration, reason))
        if report.when == "teardown":
            self.numbers |= {name: self.clean(str(value)) for name, value in report.user_properties}

    def clean(self, text: str) -> str:
        """The text in one line, without what the environment says of this place and its people."""
        private = {
            value: name
            for name, value in self.environment.items()
            if PRIVATE_NAMES.match(name) and name not in SHOWN and len(value) >= SHORTEST_SECRET
        }
        for value in sorted(private, key=len, reverse=True):
            text = text.replace(value, f"<{private[value]}>")
        for kind, shape in SHAPES.items():
            text = shape.sub(f"<{kind}>", text)
        text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
        return text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + " …"

    def text(self) -> str:
        """The page."""
        counts = Counter(outcome for _, outcome, _, _ in self.outcomes)
        summed = ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "skipped"))
        shown = {name: self.environment[name] for name in SHOWN if name in self.environment}
        versions = {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}, **shown}
        failed = [(title, reason) for title, outcome, _, reason in self.outcomes if outcome == "failed"]
        skipped = [(title, reason) for title, outcome, _, reason in self.outcomes if outcome == "skipped"]
        nothing = "" if self.broke_off else "## What differed\n\nNothing."
        sections = [
            "# Proof on Redshift",
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: **{summed}**.",
            "No passwords, keys, addresses, accounts or paths are in this page; look it through all the same.",
            _table("Versions and settings", ("what", "which"), list(versions.items())),
            f"**The run proves nothing: pytest ended with {self.broke_off}.**" if self.broke_off else "",
            _table("What differed", ("test", "why"), failed) if failed else nothing,
            _table("Numbers", ("what", "how much"), list(self.numbers.items())) if self.numbers else "",
            _table("Not run", ("test", "why"), skipped) if skipped else "",
            _table(
                "What was tested",
                ("test", "outcome", "s"),
                [(title, outcome, f"{seconds:.1f}") for title, outcome, seconds, _ in self.outcomes],
            ),
        ]
        return "\n\n".join(section for section in sections if section) + "\n"

    def write(self, path: Path) -> None:
        """Write the page, whole or not at all."""
        beside = path.with_name(f".{path.name}.tmp")
        beside.write_text(self.text(), encoding="utf-8")
        beside.replace(path)


def _title(nodeid: str) -> str:
    """`tests/warehouse/test_redshift.py::test_load_files_again[a]` → `redshift: load files again [a]`."""
    file, _, test = nodeid.partition("::")
    name, bracket, parameters = test.removeprefix("test_").partition("[")
    words = f"{Path(file).stem.removeprefix('test_').replace('_', ' ')}: {name.replace('_', ' ')}"
    return (words + (f" [{parameters}" if bracket else "")).replace("|", "\\|")


def _reason(report: pytest.TestReport) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr)


def _table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([f"## {title}", "", *lines, *("| " + " | ".join(row) + " |" for row in rows)])
