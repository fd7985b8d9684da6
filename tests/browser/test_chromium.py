"""PDF and picture of a page: made by a real Chromium, or a clear word on why not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from reports import chromium
from reports.chromium import ChromiumError, find_chromium, print_pdf

pytestmark = pytest.mark.browser


def make_program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "a page's # é.html"
    page.write_text("<!doctype html><meta charset=utf-8><title>Ventes nettes</title><p>1 234,50", encoding="utf-8")
    return page


def test_print_pdf_prints_the_page(page: Path, tmp_path: Path) -> None:
    print_pdf(page, tmp_path / "report.pdf", find_chromium())
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert re.search(rb"/Count 1\b", printed), "one page"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a page's # é.html", "report.pdf"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no display >&2; exit 3", r"made nothing of a page's # é.html \(exit code 3\); it said: no display"),
        ("exit 0", "made nothing of"),
        ('for o in "$@"; do case $o in --print-to-pdf=*) echo oops > "${o#*=}";; esac; done', "a file that is no PDF"),
        ("exec sleep 5", "did not end within 0.2 s"),
    ],
    ids=["fails", "writes-nothing", "writes-something-else", "never-ends"],
)
def test_print_pdf_says_why_there_is_none(
    script: str, words: str, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in script:
        monkeypatch.setattr(chromium, "PATIENCE_SECONDS", 0.2)
    target = tmp_path / "report.pdf"
    target.write_bytes(b"the last good one")
    with pytest.raises(ChromiumError, match=words):
        print_pdf(page, target, make_program(tmp_path / "chromium", script))
    assert target.read_bytes() == b"the last good one"


def test_print_pdf_keeps_the_sandbox_and_the_network_away(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(chromium.subprocess, "run", run)
    for user in (1000, 0):
        monkeypatch.setattr(chromium.os, "geteuid", lambda user=user: user)
        with pytest.raises(ChromiumError):
            print_pdf(page, tmp_path / "report.pdf", "chromium")
    assert ["--no-sandbox" in command for command in commands] == [False, True]
    assert all("--host-resolver-rules=MAP * ~NOTFOUND" in command for command in commands)


def test_find_chromium_on_the_path_or_as_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChromiumError, match="install one, or let RETAIL_CHROMIUM name it"):
        find_chromium()
    chrome = make_program(tmp_path / "google-chrome", "exit 0")
    assert find_chromium() == chrome
    assert find_chromium(make_program(tmp_path / "mine", "exit 0")) == str(tmp_path / "mine")
    with pytest.raises(ChromiumError, match="nowhere is not a program"):
        find_chromium("nowhere")
