"""The report of a past day, made by the flow."""

from __future__ import annotations

from tests.conftest import Finished


def test_report_of_a_past_day_says_that_its_numbers_hold_in_both_languages(tiny_run: Finished) -> None:
    english, french = ((tiny_run.report / name).read_text(encoding="utf-8") for name in ("index.html", "index.fr.html"))
    assert "This is a past day, 30 June 2025. Nothing that was delivered since changes its numbers." in english
    assert "Rien de ce qui a été livré depuis ne change ses chiffres." in french
