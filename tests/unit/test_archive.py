"""Reports of several days in one folder: what `latest` shows, what stays, and what a killed run leaves."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from reports.archive import archive_report, clear_leftovers, clear_old, list_reports, remove_report
from reports.archive_page import render_archive
from reports.facts import Facts
from reports.redrawing import write_facts

BEGIN = datetime(2026, 3, 1, 6, tzinfo=UTC)


def facts(as_of: str, number: int, *, covers_all: bool = False, title: str = "") -> Facts:
    """What the report of run `number` says of itself, made `number` hours after the begin."""
    made_at = BEGIN + timedelta(hours=number)
    return Facts(date.fromisoformat(as_of), title or f"run {number}", made_at, "b1", f"run-{number}", covers_all)


def make(reports: Path, said: Facts) -> Path:
    fresh = reports / f".{said.run_id}.new"
    fresh.mkdir(parents=True, exist_ok=True)
    (fresh / "index.html").write_text(f"<h1>{said.title}</h1>")
    write_facts(said, fresh)
    return fresh


def add(reports: Path, as_of: str, number: int, *, covers_all: bool = False, keep: int = 10) -> Path:
    return archive_report(make(reports, facts(as_of, number, covers_all=covers_all)), reports, keep)


def shown(place: Path) -> str:
    return (place / "index.html").read_text()


def days(reports: Path) -> set[str]:
    return {path.name for path in reports.iterdir() if path.name.startswith("20")}


def test_each_day_keeps_its_newest_report_and_no_older_one(tmp_path: Path) -> None:
    add(tmp_path, "2026-03-01", 1)
    add(tmp_path, "2026-03-02", 2)
    add(tmp_path, "2026-03-01", 3)
    assert shown(tmp_path / "2026-03-01") == "<h1>run 3</h1>"
    assert shown(tmp_path / "2026-03-02") == "<h1>run 2</h1>"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"2026-03-01", "2026-03-02", "run-2", "run-3", "latest", "index.html"}


def test_looking_back_leaves_latest_alone_and_says_where_the_report_lies(tmp_path: Path) -> None:
    assert add(tmp_path, "2026-03-02", 1) == tmp_path / "latest"
    assert add(tmp_path, "2026-02-01", 2) == tmp_path / "2026-02-01"
    assert shown(tmp_path / "latest") == "<h1>run 1</h1>"
    add(tmp_path, "2026-03-02", 3)
    assert shown(tmp_path / "latest") == "<h1>run 3</h1>"


def test_latest_leaves_a_day_that_the_data_never_reached(tmp_path: Path) -> None:
    """Someone reported as of 2099, or the file of the last days was withdrawn: the next whole report takes over."""
    add(tmp_path, "2099-01-01", 1, covers_all=True)
    add(tmp_path, "2026-03-02", 2, covers_all=True)
    assert shown(tmp_path / "latest") == "<h1>run 2</h1>"
    add(tmp_path, "2026-03-01", 3)
    assert shown(tmp_path / "latest") == "<h1>run 2</h1>"


def test_links_are_relative_so_that_the_folder_can_be_moved(tmp_path: Path) -> None:
    add(tmp_path / "old", "2026-03-02", 1)
    shutil.move(tmp_path / "old", tmp_path / "new")
    assert shown(tmp_path / "new/latest") == shown(tmp_path / "new/2026-03-02") == "<h1>run 1</h1>"


def test_the_first_day_of_a_month_and_what_was_made_last_survive_pruning(tmp_path: Path) -> None:
    for number, day in enumerate(["2026-01-05", "2026-01-06", "2026-02-03", "2026-02-04", "2026-02-05"]):
        add(tmp_path, day, number, keep=1)
    assert days(tmp_path) == {"2026-01-05", "2026-02-03", "2026-02-05"}
    add(tmp_path, "2026-01-20", 9, keep=1)
    assert days(tmp_path) == {"2026-01-05", "2026-01-20", "2026-02-03", "2026-02-05"}, "latest stays, and the newest"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/index.html").write_text("<title>Mine</title>")
    add(tmp_path, "2026-02-06", 10, keep=1)
    assert days(tmp_path) == {"2026-01-05", "2026-02-03", "2026-02-06"}
    assert (tmp_path / "mine/index.html").is_file(), "what is no report is left alone"


def test_reports_that_no_longer_stay_go_without_a_new_one_and_are_counted(tmp_path: Path) -> None:
    for number, day in enumerate(["2026-02-03", "2026-02-04", "2026-02-05"]):
        add(tmp_path, day, number)
    going = [path for path in (tmp_path / "2026-02-04").resolve().rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in going)
    assert clear_old(tmp_path, keep=1) == {"files": len(going), "bytes": size}
    assert days(tmp_path) == {"2026-02-03", "2026-02-05"}
    assert clear_old(tmp_path, keep=1) == clear_old(tmp_path / "none", keep=1) == {"files": 0, "bytes": 0}


def test_the_list_shows_each_day_once_newest_first_with_its_own_link(tmp_path: Path) -> None:
    add(tmp_path, "2026-03-01", 1)
    add(tmp_path, "2026-03-02", 2)
    add(tmp_path, "2026-03-01", 3)
    listed = shown(tmp_path)
    assert listed.index('href="2026-03-02/index.html"') < listed.index('href="2026-03-01/index.html"')
    assert listed.count("<li>") == 2
    assert "run 3" in listed
    assert "run 1" not in listed
    assert "9:00" in listed
    assert "build b1" in listed


def test_the_list_shows_hostile_texts_as_texts() -> None:
    page = render_archive([facts("2026-03-01", 1, title="<script>alert(1)</script>")])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")


def test_reports_named_by_run_alone_are_taken_over(tmp_path: Path) -> None:
    """So the version before left them: no `report.json`, `latest` leads to the folder of the run."""
    for run, day in (("a", "30 March 2026"), ("b", "31 March 2026")):
        (tmp_path / run).mkdir()
        (tmp_path / run / "index.html").write_text(f"<title>Retail report, {day}</title><h1>It &amp; {run}</h1>")
        os.utime(tmp_path / run / "index.html", (BEGIN.timestamp(), BEGIN.timestamp()))
    (tmp_path / "latest").symlink_to("b")
    add(tmp_path, "2026-02-01", 1)
    assert days(tmp_path) == {"2026-02-01", "2026-03-30", "2026-03-31"}
    assert (tmp_path / "latest").resolve() == (tmp_path / "b").resolve()
    assert "It &amp; a" in shown(tmp_path)


def test_a_backup_without_links_is_taken_over(tmp_path: Path) -> None:
    add(tmp_path / "live", "2026-03-01", 1)
    add(tmp_path / "live", "2026-03-02", 2)
    shutil.copytree(tmp_path / "live", tmp_path / "restored")  # follows links, as a careless backup does
    assert not (tmp_path / "restored/latest").is_symlink()
    add(tmp_path / "restored", "2026-02-01", 3)
    assert shown(tmp_path / "restored/latest") == "<h1>run 2</h1>"
    assert days(tmp_path / "restored") == {"2026-02-01", "2026-03-01", "2026-03-02"}
    assert all((tmp_path / "restored" / day).is_symlink() for day in days(tmp_path / "restored"))
    assert len([path for path in (tmp_path / "restored").iterdir() if not path.is_symlink()]) == 4


def test_facts_that_name_a_place_elsewhere_are_not_believed(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    add(reports, "2026-03-01", 1)
    (reports / "latest").unlink()
    (reports / "latest").mkdir()
    (reports / "latest/index.html").write_text("<title>Retail report, 2 March 2026</title>")
    text = (reports / "run-1/report.json").read_text()
    (reports / "latest/report.json").write_text(text.replace("run-1", "../../elsewhere"))
    add(reports, "2026-03-03", 2)
    assert {path.name for path in tmp_path.iterdir()} == {"reports"}


def test_what_killed_runs_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".dead.new").mkdir()
    (tmp_path / ".dead.old").mkdir()
    (tmp_path / ".index.page").touch()
    (tmp_path / ".latest.link").symlink_to("nowhere")
    (tmp_path / ".keep").touch()
    clear_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".keep"]


class KilledError(BaseException):
    """The process is gone."""


def stop_after(count: int, seen: list[int]) -> Callable[[Any, Any], Any]:
    def wrap(real: Any, *, is_before: bool) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            seen[0] += 1
            if seen[0] == count and is_before:
                raise KilledError
            done = real(*args, **kwargs)
            if seen[0] == count:
                raise KilledError
            return done

        return call

    return wrap


@pytest.mark.parametrize("is_before", [True, False])
def test_killed_at_any_step_latest_and_list_are_whole_and_the_next_run_converges(
    tmp_path: Path, *, is_before: bool
) -> None:
    """One old day is pruned, one report replaced, `latest` moves; each change of the disk is the last one once."""
    count = 0
    while True:
        count += 1
        reports = tmp_path / str(count)
        for number, day in enumerate(["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]):
            add(reports, day, number, keep=3)
        fresh, seen = make(reports, facts("2026-03-05", 8)), [0]
        wrap = stop_after(count, seen)
        names = ("rename", "replace", "symlink_to", "unlink", "write_text")
        patches = [patch.object(Path, name, wrap(getattr(Path, name), is_before=is_before)) for name in names]
        patches += [patch.object(shutil, "rmtree", wrap(shutil.rmtree, is_before=is_before))]
        try:
            for each in patches:
                each.start()
            archive_report(fresh, reports, 3)
        except KilledError:
            pass
        finally:
            for each in patches:
                each.stop()
        if seen[0] < count:
            break
        assert shown(reports / "latest") in {"<h1>run 3</h1>", "<h1>run 8</h1>"}
        assert shown(reports).endswith("</html>\n")
        assert all((reports / link).is_file() for link in re.findall('href="([^"]*)"', shown(reports)))
        clear_leftovers(reports)
        add(reports, "2026-03-06", 9, keep=3)
        assert shown(reports / "latest") == "<h1>run 9</h1>"
        assert not [path for path in reports.iterdir() if path.name.startswith(".")]
        assert all((reports / day / "index.html").is_file() for day in days(reports))
        assert shown(reports).count("<li>") == len(days(reports)) <= 4
    assert count > 8


def add_backfilled(reports: Path, as_of: str, number: int) -> Path:
    return archive_report(make(reports, replace(facts(as_of, number), is_backfilled=True)), reports, 2)


def test_backfilled_days_all_stay_and_push_no_other_day_out(tmp_path: Path) -> None:
    for number, day in enumerate(("2026-03-02", "2026-03-03", "2026-03-04")):
        add(tmp_path, day, number, keep=2)
    for number, day in enumerate(("2026-02-07", "2026-02-08", "2026-02-09", "2026-02-10"), 10):
        assert add_backfilled(tmp_path, day, number) == tmp_path / day
    asked_for = {"2026-02-07", "2026-02-08", "2026-02-09", "2026-02-10"}
    assert days(tmp_path) == asked_for | {"2026-03-02", "2026-03-03", "2026-03-04"}  # the first of the month stays
    add(tmp_path, "2026-03-05", 20, keep=2)
    assert days(tmp_path) == asked_for | {"2026-03-02", "2026-03-04", "2026-03-05"}
    assert all(day in (tmp_path / "index.html").read_text() for day in asked_for)


def test_backfilled_later_day_does_not_become_the_latest(tmp_path: Path) -> None:
    add(tmp_path, "2026-03-02", 1)
    add_backfilled(tmp_path, "2026-03-09", 2)
    assert shown(tmp_path / "latest") == "<h1>run 1</h1>"
    assert shown(tmp_path / "2026-03-09") == "<h1>run 2</h1>"


def test_removed_report_leaves_no_link_and_the_next_newest_is_shown(tmp_path: Path) -> None:
    add(tmp_path, "2026-03-01", 1)
    add(tmp_path, "2026-03-02", 2)
    for left in ("<h1>run 1</h1>", None):
        last = max(list_reports(tmp_path), key=lambda report: report.facts.made_at)
        remove_report(last, tmp_path, 10)
        assert (shown(tmp_path / "latest") if left else None) == left
    assert list(tmp_path.iterdir()) == []
