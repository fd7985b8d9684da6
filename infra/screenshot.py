"""The newest report page in; the picture of its top that the README shows out, drawn by Chromium."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from reports.chromium import capture, find_chromium

WIDTH, HEIGHT = 1280, 1120
COLORS = 128
_LIGHT = ("--force-device-scale-factor=1", "--blink-settings=preferredColorScheme=1")


def draw_page(page: Path, picture: Path, chromium: str | None = None) -> None:
    """Write the top of the page as a PNG of few colours, 1280 pixels wide, as readers with a light screen see it.

    Raises:
        ChromiumError: there is no Chromium, or it drew nothing.
    """
    drawn = capture(page, ".png", find_chromium(chromium), *_LIGHT, f"--window-size={WIDTH},{HEIGHT}")
    with Image.open(io.BytesIO(drawn)) as image:
        image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(picture, format="png", optimize=True)
