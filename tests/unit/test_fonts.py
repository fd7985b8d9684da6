"""The embedded font goes with its licence, which can end neither its comment nor the style."""

from __future__ import annotations

import re

from reports.fonts import font_faces


def test_font_is_embedded_under_the_licence_that_wants_to_go_with_every_copy() -> None:
    licence, _, rules = str(font_faces()).partition("*/")
    assert licence.startswith("/*")
    assert (
        "The above copyright and trademark notices and this permission notice shall\nbe included in all copies"
        in licence
    )
    assert "Tavmjong Bah" in licence
    assert "<" not in str(font_faces())
    assert [int(weight) for weight in re.findall(r"font-weight:(\d+)", rules)] == [400, 700]
