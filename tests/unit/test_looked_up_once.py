"""What is looked up once is what would have been looked up each time."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import botocore
from botocore.loaders import JSONFileLoader


def test_stack_has_the_frames_and_names_that_it_has_with_its_lines() -> None:
    here = inspect.currentframe()
    assert here
    with_lines = inspect.getouterframes(here, context=1)
    found = inspect.stack()
    assert [each.frame for each in found] == [each.frame for each in with_lines]
    assert [each.function for each in found] == [each.function for each in with_lines]
    assert [each.filename for each in found] == [each.filename for each in with_lines]
    assert found[0].code_context is None  # or nothing was saved


def test_description_of_a_service_is_what_its_file_says_and_read_once() -> None:
    path = Path(botocore.__file__).parent / "data" / "endpoints"
    loader = JSONFileLoader()
    found = loader.load_file(str(path))
    assert found is JSONFileLoader().load_file(str(path))
    assert found == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
