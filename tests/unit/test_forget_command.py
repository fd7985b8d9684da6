"""Whom to forget, and whether that is meant; no message and no value that is shown holds an id."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.errors import ConfigError
from flows.run.forget_command import Command, check_ids, hand_over, read_command, take_ids

ID = "cust-77-secret"


def test_ids_of_line_and_file_are_taken_each_once(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("\ufeffc2\n\n  c1 \r\nc2\n", encoding="utf-8")
    hand_over(Command(["c1"], {}))
    assert take_ids(str(tmp_path / "ids.txt")) == ["c1", "c2"]
    hand_over(Command([], {}))
    assert take_ids(str(tmp_path / "ids.txt")) == ["c2", "c1"]
    with pytest.raises(ConfigError, match="nobody is named"):
        take_ids(None)


@pytest.mark.parametrize("answer", ["y", " YES "])
def test_whoever_says_yes_goes_on_and_the_question_counts(answer: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return answer

    command = read_command([ID, "c2", ID, "--work-dir", str(tmp_path)], ask)
    assert list(command.ids) == [ID, "c2", ID]
    assert asked == [f"Forget 2 customers in {tmp_path}? It cannot be undone. [y/N] "]
    assert ID not in repr(command)
    assert ID not in command.options.values()


@pytest.mark.parametrize("answer", ["", "n", "yesterday"])
def test_whoever_does_not_say_yes_is_refused(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_command([ID], lambda _: answer)
    told = capsys.readouterr().err
    assert "--yes" in told
    assert ID not in told


@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_nobody_is_asked_who_said_yes_or_only_counts(option: str) -> None:
    assert read_command([ID, option], lambda _: pytest.fail("asked")).options["dry_run"] is (option == "--dry-run")


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([], "nobody is named"),
        (["c1", ""], "1 of 2 are no ids"),
        ([ID * 9], "1 of 1 are no ids"),
        (["c1", "forgotten-" + "0" * 32], "1 of 2 are pseudonyms"),
    ],
)
def test_what_can_be_no_id_is_refused_and_not_shown(ids: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        check_ids(ids)
    assert ID not in str(error.value)


def test_file_that_cannot_be_read_is_named_with_the_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_command(["--ids-from", str(tmp_path / "none.txt"), "--yes"])
    assert "none.txt: the ids cannot be read" in capsys.readouterr().err
