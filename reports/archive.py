"""A finished report in; its place among those of other days, `latest` and the list of all out.

    reports/<run id>/          a report: index.html, KPI tables, charts, and `report.json`, what it says of itself
    reports/<as_of>            link to the newest report of that day
    reports/latest             link to the day that readers want
    reports/index.html         the list of all

Whoever calls holds the work folder (`flows.warehouse.lock`), so what another run left half done is nobody's. Nothing
is changed in place: a folder is renamed, a link or page is made beside and renamed over the old one. A run that is
killed between two of these steps leaves whole pages, and the next one does the rest.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from reports.facts import Facts, hash_files

_FACTS = "report.json"
_DAY = re.compile(r"\A\d{4}-\d{2}-\d{2}\Z")
_RUN_ID = re.compile(r"\A[A-Za-z0-9_-]{1,100}\Z")
_LEFTOVER = re.compile(r"\A\..+\.(new|old|link|page)\Z")
_TITLE = re.compile(r"<title>Retail report, ([^<]*)</title>")
_HEADING = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)


@dataclass(frozen=True)
class Report:
    """A report in its folder."""

    folder: Path
    facts: Facts


def find_whole_report(folder: Path) -> Facts | None:
    """What the report there says of itself; None if there is none, or a file of it is not as it was published."""
    try:
        said = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        is_whole = said["files"] == hash_files(folder, _FACTS)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return _read_facts(folder) if is_whole else None


def clear_leftovers(reports_dir: Path) -> None:
    """Remove what runs left that were killed; the caller holds the work folder and has begun nothing there yet."""
    for path in reports_dir.glob(".*"):
        if _LEFTOVER.match(path.name):
            _remove(path)


def archive_report(fresh: Path, reports_dir: Path, keep: int) -> Path:
    """Move the finished report to its place, which is returned: `<as_of>`, or `latest` if that is where it leads now.

    Of each day the newest report is kept. `keep` days stay, those last made, and beside them what `latest` shows and
    the first day of each month, and days that a backfill made.
    """
    facts = _read_facts(fresh)
    if facts is None:
        raise ValueError(f"{fresh} holds no {_FACTS}")
    _name_plain_folders(reports_dir)
    folder = _free_name(reports_dir, facts.run_id)
    fresh.rename(folder)
    _arrange(reports_dir, keep)
    latest = reports_dir / "latest"
    return latest if latest.resolve() == folder.resolve() else reports_dir / facts.as_of.isoformat()


def list_reports(reports_dir: Path) -> list[Report]:
    """All reports in folders of their own; what is no report, or says not of which day it is, is left alone."""
    found = []
    for page in sorted(reports_dir.glob("[!.]*/index.html")):
        facts = None if page.parent.is_symlink() else _read_facts(page.parent)
        if facts is not None:
            found.append(Report(page.parent, facts))
    return found


def remove_report(report: Report, reports_dir: Path, keep: int) -> None:
    """Take a report away; links and list follow."""
    _remove(report.folder)
    _arrange(reports_dir, keep)


def clear_old(reports_dir: Path, keep: int) -> dict[str, int]:
    """Take away the reports that no longer stay (see `archive_report`); how many `files` went, of how many `bytes`."""
    before = _measure(reports_dir)
    if before:
        _arrange(reports_dir, keep)
    gone = before.keys() - _measure(reports_dir).keys()
    return {"files": len(gone), "bytes": sum(before[path] for path in gone)}


def choose_latest(reports: Iterable[Report], current: Report | None) -> Report | None:
    """Which report `latest` shows, given which one it shows now.

    One made later takes over if it covers all orders there are, or a day that is not before the one shown. So looking
    back does not move it, and neither a mistaken day in the future nor a withdrawn file holds it for good.
    """
    for report in sorted(reports, key=lambda each: each.facts.made_at):
        if current is None or (
            report.facts.made_at > current.facts.made_at
            and not report.facts.is_backfilled
            and (report.facts.covers_all or report.facts.as_of >= current.facts.as_of)
        ):
            current = report
    return current


def choose_kept(days: Sequence[Report], latest: Report, keep: int) -> set[Path]:
    """The folders that stay, of the newest report of each day: those of a backfill are not counted, and all stay."""
    asked_for = [report.folder for report in days if report.facts.is_backfilled]
    others = [report for report in days if not report.facts.is_backfilled]
    by_age = sorted(others, key=lambda each: each.facts.made_at, reverse=True)
    firsts: dict[str, Report] = {}
    for report in sorted(days, key=lambda each: each.facts.as_of):
        firsts.setdefault(f"{report.facts.as_of:%Y-%m}", report)
    return {report.folder for report in (*by_age[:keep], *firsts.values(), latest)}.union(asked_for)


def _arrange(reports_dir: Path, keep: int) -> None:
    """Links, list and folders as the reports there are want them; what is right already is left alone."""
    reports = list_reports(reports_dir)
    newest = {report.facts.as_of: report for report in sorted(reports, key=lambda each: each.facts.made_at)}
    shown = (reports_dir / "latest").resolve()
    latest = choose_latest(reports, next((report for report in reports if report.folder.resolve() == shown), None))
    if latest is None:
        _remove_links(reports_dir, set())
        for place in ("latest", "index.html"):
            if (reports_dir / place).is_symlink() or (reports_dir / place).is_file():
                (reports_dir / place).unlink()
        return
    kept = choose_kept(list(newest.values()), newest[latest.facts.as_of], keep)
    staying = {day: newest[day] for day in sorted(newest, reverse=True) if newest[day].folder in kept}
    for day, report in staying.items():
        _link(reports_dir / day.isoformat(), report.folder.name)
    _link(reports_dir / "latest", latest.facts.as_of.isoformat())
    _write_list(reports_dir, [report.facts for report in staying.values()])
    _remove_links(reports_dir, {day.isoformat() for day in staying})
    for report in reports:
        if report.folder not in kept:
            _remove(report.folder)


def _measure(reports_dir: Path) -> dict[Path, int]:
    """The files of all reports, with their sizes."""
    folders = [report.folder for report in list_reports(reports_dir)]
    return {path: path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()}


def _remove_links(reports_dir: Path, staying: set[str]) -> None:
    """Days whose report goes, or was taken away by hand."""
    for place in reports_dir.glob("[!.]*"):
        if _DAY.match(place.name) and place.is_symlink() and place.name not in staying:
            place.unlink()


def _write_list(reports_dir: Path, listed: Sequence[Facts]) -> None:
    from reports.archive_page import render_archive  # with the libraries that draw, which take seconds to import

    beside = reports_dir / ".index.page"
    beside.write_text(render_archive(listed), encoding="utf-8", newline="\n")
    beside.replace(reports_dir / "index.html")


def _read_facts(folder: Path) -> Facts | None:
    try:
        said = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if not _RUN_ID.match(said["run_id"]):  # it names a folder
            return _read_page(folder)
        return Facts(
            as_of=date.fromisoformat(said["as_of"]),
            title=str(said["title"]),
            made_at=datetime.fromisoformat(said["made_at"]).astimezone(UTC),
            build_id=str(said["build_id"]),
            run_id=said["run_id"],
            covers_all=bool(said["covers_all"]),
            made_from=str(said.get("made_from", "")),
            is_backfilled=bool(said.get("is_backfilled", False)),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return _read_page(folder)


def _read_page(folder: Path) -> Facts | None:
    """What the page of a report says that was made before reports said it of themselves."""
    page = folder / "index.html"
    if not page.is_file():
        return None
    text = page.read_text(encoding="utf-8", errors="replace")
    title, heading = _TITLE.search(text), _HEADING.search(text)
    try:
        as_of = datetime.strptime(title[1], "%d %B %Y").replace(tzinfo=UTC).date() if title else None
    except ValueError:
        return None
    if as_of is None:
        return None
    made_at = datetime.fromtimestamp(page.stat().st_mtime, UTC)
    said = html.unescape(re.sub(r"<[^>]*>", "", heading[1])).strip() if heading else ""
    return Facts(as_of, said, made_at, build_id="", run_id=folder.name, covers_all=False)


def _name_plain_folders(reports_dir: Path) -> None:
    """Give a folder that a backup restored in the place of a link a name of its own; its link is made anew."""
    for path in reports_dir.glob("[!.]*"):
        is_place_of_link = path.name == "latest" or _DAY.match(path.name)
        if is_place_of_link and path.is_dir() and not path.is_symlink():
            facts = _read_facts(path)
            path.rename(_free_name(reports_dir, facts.run_id if facts and facts.run_id != path.name else "restored"))


def _free_name(reports_dir: Path, wanted: str) -> Path:
    """A folder that is not there yet."""
    number, path = 1, reports_dir / wanted
    while path.exists() or path.is_symlink():
        number += 1
        path = reports_dir / f"{wanted}.{number}"
    return path


def _link(place: Path, target: str) -> None:
    """Let a relative link lead there, in one step."""
    if place.is_symlink() and str(place.readlink()) == target:
        return
    beside = place.with_name(f".{place.name}.link")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target, target_is_directory=True)
    beside.replace(place)


def _remove(path: Path) -> None:
    """Remove a file or a folder, which is out of sight before its first file is gone."""
    if path.is_dir() and not path.is_symlink():
        if not path.name.startswith("."):
            path = path.rename(path.with_name(f".{path.name}.old"))
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
