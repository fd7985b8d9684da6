"""A page in; its PDF or picture out, made by a Chromium that is installed here, without any network.

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
    "--hide-scrollbars",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_MAKES = {".pdf": "print-to-pdf", ".png": "screenshot"}


class ChromiumError(Exception):
    """Chromium made nothing; the message says why, and the cure."""


def find_chromium(named: str | None = None) -> str:
    """The program `named`, a path or a name on the PATH; unnamed, the first of the usual names.

    Raises:
        ChromiumError: there is none.
    """
    for name in (named,) if named else NAMES:
        found = shutil.which(name)
        if found:
            return found
    if named:
        raise ChromiumError(f"{named} is not a program that can be run; let RETAIL_CHROMIUM name a Chromium or Chrome")
    raise ChromiumError("no Chromium or Chrome is on the PATH; install one, or let RETAIL_CHROMIUM name it")


def print_pdf(page: Path, pdf: Path, chromium: str) -> None:
    """Print `page` as `pdf`, whole or not at all.

    Raises:
        ChromiumError: there is no PDF.
    """
    printed = capture(page, ".pdf", chromium, "--no-pdf-header-footer")
    if not printed.startswith(b"%PDF-"):
        raise ChromiumError(f"{chromium} made a file that is no PDF")
    beside = pdf.with_name(f".{pdf.name}.tmp")
    beside.write_bytes(printed)
    beside.replace(pdf)


def capture(page: Path, suffix: str, chromium: str, *options: str) -> bytes:
    """The file that Chromium makes of a page, `.pdf` its print or `.png` its picture.

    Raises:
        ChromiumError: Chromium failed, made nothing, or took longer than two minutes.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Path(folder) / f"page{suffix}"  # Chromium draws by the suffix
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        own = (f"--user-data-dir={folder}/profile", f"--{_MAKES[suffix]}={made}")
        command = [chromium, *_OPTIONS, *as_root, *options, *own, page.resolve().as_uri()]
        try:
            done = subprocess.run(  # noqa: S603 - a program that the user named or installed
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ChromiumError(f"{chromium} did not end within {PATIENCE_SECONDS} s") from None
        except OSError as error:
            raise ChromiumError(f"{chromium} cannot be run: {error.strerror}") from error
        if done.returncode != 0 or not made.is_file():
            said = " ".join(done.stderr.split())[-300:] or "nothing"
            raise ChromiumError(
                f"{chromium} made nothing of {page.name} (exit code {done.returncode}); it said: {said}"
            )
        return made.read_bytes()
