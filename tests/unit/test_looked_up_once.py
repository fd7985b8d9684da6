"""What is looked up once is what would have been looked up each time."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from unittest.mock import Mock

import boto3
import botocore
import pytest
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


def test_description_of_a_service_is_read_once_and_is_what_its_file_says_whoever_wrote_into_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = Path(botocore.__file__).parent / "data" / "endpoints"
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    JSONFileLoader().load_file(str(path))
    boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b").client("s3", region_name="eu-central-1")
    monkeypatch.setattr("builtins.open", Mock(side_effect=AssertionError("read again")))
    first = JSONFileLoader().load_file(str(path))
    first["partitions"].clear()
    assert JSONFileLoader().load_file(str(path)) == said
