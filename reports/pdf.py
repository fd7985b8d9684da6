"""The report page in, its PDF out: printed by a Chromium that is installed here, without any network.

Chromium keeps its sandbox unless this process is root, for whom it refuses to start with one (crbug.com/638180).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_SECONDS = 120
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


class PdfError(Exception):
    """There is no PDF; the message says why, and the cure."""


def find_chromium(named: str | None = None) -> str:
    """The program `named`, a path or a name on the PATH; unnamed, the first of the usual names.

    Raises:
        PdfError: there is none.
    """
    for name in (named,) if named else NAMES:
        found = shutil.which(name)
        if found:
            return found
    if named:
        raise PdfError(f"{named} is not a program that can be run; let RETAIL_CHROMIUM name a Chromium or Chrome")
    raise PdfError("no Chromium or Chrome is on the PATH; install one, or let RETAIL_CHROMIUM name it")


def print_pdf(page: Path, pdf: Path, chromium: str) -> None:
    """Print `page` as `pdf`, whole or not at all.

    Raises:
        PdfError: Chromium made none, or took longer than two minutes.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "report.pdf"
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [
            *(chromium, *_OPTIONS, *as_root, f"--user-data-dir={folder}/profile"),
            *(f"--print-to-pdf={printed}", page.resolve().as_uri()),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)  # noqa: S603, PLW1510
        except subprocess.TimeoutExpired:
            raise PdfError(f"{chromium} did not print the page within {PATIENCE_SECONDS} s") from None
        except OSError as error:
            raise PdfError(f"{chromium} cannot be run: {error.strerror}") from error
        if done.returncode != 0 or not printed.is_file() or printed.read_bytes()[:5] != b"%PDF-":
            said = " ".join(done.stderr.split())[-300:] or "nothing"
            raise PdfError(f"{chromium} printed no PDF (exit code {done.returncode}); it said: {said}")
        beside = pdf.with_name(f".{pdf.name}.tmp")
        shutil.copyfile(printed, beside)
        beside.replace(pdf)
