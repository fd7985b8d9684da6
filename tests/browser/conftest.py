"""The Chromium that the tests of this folder share."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("RETAIL_SKIP_BROWSER") == "1":
        pytest.skip("no Chromium on the PATH, and RETAIL_SKIP_BROWSER=1 allows to go without")
    if found is None:
        pytest.fail(
            "no Chromium on the PATH: apt-get install chromium, or set RETAIL_SKIP_BROWSER=1 to skip these tests"
        )
    return found
