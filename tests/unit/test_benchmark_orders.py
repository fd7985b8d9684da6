"""The orders that the benchmark converts are judged by what is planted in them, and that is what the contract says."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.contenders import check, make_orders, ours
from tests.benchmarks.conversion import CONTENDERS, judge
from tests.benchmarks.orders import BAD_EVERY, DEFECTS


def test_each_planted_defect_is_set_aside_for_its_reason(tmp_path: Path) -> None:
    rows = BAD_EVERY * len(DEFECTS)
    source = tmp_path / f"raw_orders_{rows}_dirty.csv"
    truth = make_orders(source, tmp_path)
    converted = ours(source, tmp_path / "work")
    assert converted["rows_quarantined"] == len(DEFECTS)
    (dirty,) = (each for each in CONTENDERS if each.name == "ours-dirty")
    assert judge(check(source, tmp_path / "work"), truth, dirty) == "right, every record"
    wrong = {**truth, "reasons": truth["reasons"] | {"id:never": 1}}
    assert judge(check(source, tmp_path / "work"), wrong, dirty) == "**WRONG**: id:never"
