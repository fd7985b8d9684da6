"""The newest report page in; the picture of its top that the README shows out, drawn by Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 1280, 1120
COLORS = 128
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 120


class NoPictureError(Exception):
    """There is no picture; the message names the cure."""


def find_chromium(environment: Mapping[str, str] = os.environ) -> str:
    """The browser that CHROMIUM names, else the first one on the PATH.

    Raises:
        NoPictureError: there is none.
    """
    wanted = environment.get("CHROMIUM")
    found = (shutil.which(name, path=environment.get("PATH", "")) for name in ([wanted] if wanted else NAMES))
    browser = next(filter(None, found), None)
    if browser is None:
        raise NoPictureError(
            f"No {wanted or 'Chromium'} was found, so docs/report.png stays as it is. Install Chromium, or name it: "
            "CHROMIUM=/path/to/chromium make docs"
        )
    return browser


def draw_page(page: Path, picture: Path) -> None:
    """Write the top of the page as a PNG of few colours, 1280 pixels wide, as readers with a light screen see it.

    Raises:
        NoPictureError: there is no page or no browser, or the browser drew nothing.
    """
    if not page.is_file():
        raise NoPictureError(f"{page} does not exist, so there is nothing to show. Make a report first: make run")
    browser = find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "page.png"
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        command += ["--force-device-scale-factor=1", "--blink-settings=preferredColorScheme=1"]
        command += [f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={drawn}"]
        try:
            done = subprocess.run(
                [*command, page.resolve().as_uri()], capture_output=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoPictureError(f"{browser} could not draw {page}: {error}") from error
        if done.returncode or not drawn.is_file():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
            raise NoPictureError(f"{browser} could not draw {page}: {' '.join(said) or 'no picture'}")
        with Image.open(drawn) as image:
            image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(picture, format="png", optimize=True)
