"""The page of a test run on a real Redshift: complete, in plain words, and without what it must not give away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warehouse.proof_report import ProofReport

SECRETS = {
    "RETAIL_REDSHIFT_PASSWORD": "Tr0ub4dor&3",
    "RETAIL_REDSHIFT_HOST": "shop.example.internal",
    "RETAIL_REDSHIFT_USER": "loader",
    "RETAIL_S3_BUCKET": "our-bucket",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG",
    "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEJr",
}
OTHERS = (
    "arn:aws:iam::123456789012:role/retail-copy",
    "ASIAIOSFODNN7EXAMPLE",
    "s3://elsewhere/prefix",
    "analytics.123456789012.eu-central-1.redshift-serverless.amazonaws.com",
    "123456789012",
    "/home/someone/work/retail",
)
TESTS = '''
import pytest

def test_loads_two_at_once(record_property):
    record_property("overlap of two loads, s", 1.5)

@pytest.mark.parametrize("year", [1678])
def test_year(year):
    raise AssertionError("""{told}
second | line""")

def test_sleeping_workgroup():
    pytest.skip("needs {host}")
'''


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProofReport:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)  # of the tests themselves
    told = " ".join((*SECRETS.values(), *OTHERS))
    (tmp_path / "test_redshift_toy.py").write_text(
        TESTS.replace("{told}", told).replace("{host}", SECRETS["RETAIL_REDSHIFT_HOST"])
    )
    report = ProofReport(SECRETS | {"RETAIL_REDSHIFT_METHOD": "iam", "HOME": "/home/someone"})
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    pytest.main([*options, str(tmp_path)], plugins=[report])
    return report


def test_page_says_what_passed_what_differed_and_the_numbers(report: ProofReport) -> None:
    text = report.text()
    assert "**1 passed, 1 failed, 1 skipped**" in text
    assert "| RETAIL_REDSHIFT_METHOD | iam |" in text
    assert "| dbt-redshift | 1." in text
    assert "| overlap of two loads, s | 1.5 |" in text
    assert "| redshift toy: year [1678] | AssertionError: " in text
    assert "| redshift toy: sleeping workgroup | needs &lt;RETAIL_REDSHIFT_HOST> |" in text
    assert "| redshift toy: loads two at once | passed | 0.0 |" in text
    assert "second \\| line" in report.clean("second | line")


def test_page_gives_no_secret_address_account_or_path_away(report: ProofReport) -> None:
    text = report.text()
    for secret in (*SECRETS.values(), *OTHERS):
        assert secret not in text, secret
    assert all(f"&lt;{name}>" in report.clean(value) for name, value in SECRETS.items())


def test_page_is_written_whole(report: ProofReport, tmp_path: Path) -> None:
    report.write(tmp_path / "proof.md")
    assert (tmp_path / "proof.md").read_text(encoding="utf-8") == report.text()
    assert [path.name for path in tmp_path.glob(".*.tmp")] == []


def test_page_of_a_run_without_failures_says_that_nothing_differed() -> None:
    assert "## What differed\n\nNothing." in ProofReport({}).text()
