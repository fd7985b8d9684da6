"""The automations as files: as Prefect takes them, only for what is ours, and with a text that helps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.events.schemas.automations import AutomationCore

from flows.run.ambient import PREFECT
from infra.automate import AUTOMATIONS, fill, main

IDS = {"NOTIFY": str(uuid4()), "DEPLOYMENT": str(uuid4())}
FILES = sorted(AUTOMATIONS.glob("*.yaml"))


def read(path: Path) -> dict[str, Any]:
    return fill(path, IDS)


def test_there_is_one_for_each_thing_that_people_must_know() -> None:
    assert {path.stem for path in FILES} == {
        "run-failed",
        "run-crashed",
        "run-late",
        "run-zombie",
        "quarantine-high",
        "freshness-missed",
        "kpi-unusual",
        "file-arrived",
    }
    assert len({read(path)["name"] for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_prefect_takes_each_as_it_is(path: Path) -> None:
    automation = AutomationCore.model_validate(read(path))
    assert automation.enabled
    assert automation.description


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_watches_only_what_is_ours(path: Path) -> None:
    trigger = read(path)["trigger"]
    ours = trigger["match"]["prefect.resource.id"].startswith("retail.")
    assert ours or trigger["match_related"] == {"prefect.resource.id": "prefect.tag.retail"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_message_says_what_to_which_data_and_the_cure(path: Path) -> None:
    for action in read(path)["actions"]:
        if action["type"] == "send-notification":
            assert action["subject"].startswith("Retail: ")
            assert re.findall(r"^(What|Data|Cure): .{20,}", action["body"], re.MULTILINE) == ["What", "Data", "Cure"]


def test_zombies_are_found_after_some_beats_and_never_while_they_beat() -> None:
    trigger = read(AUTOMATIONS / "run-zombie.yaml")["trigger"]
    beat = int(PREFECT["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    assert beat == 30
    assert 3 * beat <= trigger["within"] < 180
    assert trigger["after"] == ["prefect.flow-run.heartbeat"]


@pytest.mark.parametrize("arguments", [[], ["one"], ["a", "b", "c"]])
def test_automate_without_its_two_names_says_how(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "infra/automate.py slack-webhook/ops" in capsys.readouterr().err
