"""The lease on a Redshift warehouse: renewed while its run lives, short after a kill, and told when it is lost."""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from threading import Thread

import pytest

from flows.errors import ConfigError, LoadError
from flows.lake.contracts import CONTRACTS
from flows.run.settings import load_settings
from flows.run.summary import hold_warehouse, open_run
from flows.warehouse.builds import Build
from flows.warehouse.ledger import Version
from flows.warehouse.redshift import owner as module
from flows.warehouse.redshift.owner import OWNER_NAME, identify_owner
from flows.warehouse.redshift.warehouse import RedshiftWarehouse
from tests.warehouse.redshift import Redshift, convert, open_redshift
from tests.warehouse.redshift_standin import Fault, RedshiftStandin

BUILD = Build("b1", "run-1", "l1", "p1", date(2026, 1, 31), True, {}, datetime(2026, 2, 1))


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def expire(redshift: Redshift) -> None:
    redshift.run("update {p}ops.run_lease set expires_at = dateadd(minute, -1, getdate())")


def expires_at(redshift: Redshift) -> datetime:
    ((found,),) = redshift.run("select expires_at from {p}ops.run_lease")
    assert isinstance(found, datetime)
    return found


def test_lease_is_renewed_while_it_is_held_however_long(redshift: Redshift, tmp_path: Path) -> None:
    first, second = open_redshift(lease_seconds=5), open_redshift(work_dir=tmp_path / "elsewhere")
    with first.hold("run-1"):
        end = expires_at(redshift)
        until(lambda: (expires_at(redshift) - end).total_seconds() >= 6)
        with pytest.raises(LoadError, match="another run writes to this warehouse"):
            second.hold("run-2").__enter__()
        first.prove_hold()
    with second.hold("run-2"):
        pass


def test_lease_of_a_run_that_was_killed_runs_out_in_its_time(
    redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.warehouse.redshift.renewal.Renewal._run", lambda _self: None)
    killed = open_redshift(lease_seconds=6).hold("run-1")
    killed.__enter__()
    second, refusals = open_redshift(work_dir=tmp_path / "elsewhere"), list[str]()

    def may_enter() -> bool:
        try:
            with second.hold("run-2"):
                return True
        except LoadError as error:
            refusals.append(str(error))
            return False

    until(may_enter)
    assert refusals
    assert all(re.search(r"runs out by itself at .* UTC at the latest, in [0-6] s", said) for said in refusals)


def test_default_lease_is_of_minutes() -> None:
    assert load_settings(target="redshift").redshift_lease_minutes == 5


def test_renewal_that_fails_is_tried_again_and_told(
    redshift: Redshift, standin: RedshiftStandin, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = open_redshift(lease_seconds=4)
    with warehouse.hold("run-1"):
        end = expires_at(redshift)
        standin.faults.add(Fault("drop", "before", statement='^update "ops"."run_lease"', times=2))
        until(lambda: expires_at(redshift) > end)
        warehouse.prove_hold()
    assert len(standin.faults.fired) == 2
    assert "could not be renewed" in caplog.text


def test_run_whose_lease_was_taken_over_is_told_by_the_next_renewal(
    redshift: Redshift, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = open_redshift(lease_seconds=2), open_redshift(work_dir=tmp_path / "elsewhere")
    with first.hold("run-1"):
        expire(redshift)
        with second.hold("run-2"):
            until(lambda: "another run has taken over" in caplog.text)
        with pytest.raises(LoadError, match=r"lease of run run-1, of 2 s, had run out.*RETAIL_REDSHIFT_LEASE_MINUTES"):
            first.prove_hold()


@pytest.mark.parametrize("write", ["prove", "note", "load", "build"])
def test_run_whose_lease_was_taken_over_writes_nothing(
    redshift: Redshift, warehouse: RedshiftWarehouse, tmp_path: Path, write: str
) -> None:
    """Also when whoever took over has ended: no trace of it is left but that the row is not there."""
    conversion = convert(tmp_path / "files", "id,name\na,Ada\n")
    attempts: dict[str, Callable[[], object]] = {
        "prove": warehouse.prove_hold,
        "note": lambda: warehouse.note_deliveries([Version.of(conversion)], "run-1"),
        "load": lambda: warehouse.load_files(CONTRACTS["raw_customers"], [conversion], "run-1"),
        "build": lambda: warehouse.record_build(BUILD),
    }
    if write == "load":
        attempts["note"]()
    expire(redshift)
    with open_redshift(work_dir=tmp_path / "elsewhere").hold("run-2"):
        pass
    with pytest.raises(LoadError, match="another run has taken over"):
        attempts[write]()


def test_load_under_way_while_another_run_takes_over_is_undone(
    redshift: Redshift, warehouse: RedshiftWarehouse, standin: RedshiftStandin, tmp_path: Path
) -> None:
    """Its transaction reads as of its beginning, so that it could not see who came; the fence stops it."""
    before = warehouse.load_files(CONTRACTS["raw_customers"], [convert(tmp_path / "a", "id,name\na,Ada\n")], "run-1")

    def take_over() -> None:
        expire(redshift)
        with open_redshift(work_dir=tmp_path / "elsewhere").hold("run-2"):
            pass

    def take_over_after_the_copy() -> None:
        until(lambda: bool(standin.faults.fired))
        take_over()

    standin.faults.clear()
    standin.faults.add(Fault("delay", "after", statement="^copy", seconds=5))
    other = Thread(target=take_over_after_the_copy)
    other.start()
    with pytest.raises(LoadError, match="another run has taken over"):
        warehouse.load_files(CONTRACTS["raw_customers"], [convert(tmp_path / "b", "id,name\nb,Bo\n")], "run-1")
    other.join()
    assert warehouse.read_ledger() == before
    assert redshift.run('select id from "{p}raw".raw_customers') == [("a",)]


def test_containers_with_the_same_host_name_and_path_are_two_owners(redshift: Redshift, tmp_path: Path) -> None:
    first = open_redshift(work_dir=tmp_path / "work")
    with first.hold("run-1"):
        (tmp_path / "work").rename(tmp_path / "of_the_other_container")
        with pytest.raises(LoadError, match="another run writes to this warehouse"):
            open_redshift(work_dir=tmp_path / "work").hold("run-2").__enter__()


def test_restarted_container_with_the_same_work_folder_does_not_wait(
    redshift: Redshift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.warehouse.redshift.renewal.Renewal._run", lambda _self: None)
    open_redshift(work_dir=tmp_path / "work").hold("run-1").__enter__()  # killed
    monkeypatch.setattr("socket.gethostname", lambda: "a-new-container")
    with open_redshift(work_dir=tmp_path / "work").hold("run-2"):
        pass


def test_identify_owner_is_the_same_for_the_same_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "work"
    owner = identify_owner(folder)
    assert identify_owner(folder) == owner
    folder.rename(tmp_path / "moved")
    assert identify_owner(tmp_path / "moved") == owner, "a mount elsewhere is the same folder"
    shutil.copytree(tmp_path / "moved", tmp_path / "copy")
    assert identify_owner(tmp_path / "copy") != owner, "two containers of one image"
    (tmp_path / "boot_id").write_text("another kernel\n")
    monkeypatch.setattr(module, "BOOT_ID", tmp_path / "boot_id")
    assert identify_owner(tmp_path / "moved") != owner, "a folder on a network, seen by two machines"


@pytest.mark.parametrize("content", ["", "abc", "no id at all, thirty-two letters"])
def test_identify_owner_file_that_was_half_written_is_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / OWNER_NAME).write_text(content)
    assert identify_owner(tmp_path) == identify_owner(tmp_path)
    assert len((tmp_path / OWNER_NAME).read_text()) == 32


def test_identify_owner_of_a_folder_that_cannot_be_used_names_the_cure(tmp_path: Path) -> None:
    (tmp_path / OWNER_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="RETAIL_WORK_DIR"):
        identify_owner(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_flows_that_a_flow_calls_join_in_what_it_holds(
    redshift: Redshift, standin: RedshiftStandin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = load_settings(target="redshift")
    with open_run(settings) as run, hold_warehouse(run, settings) as outer:
        for _ in range(2):
            with open_run(settings) as joined, hold_warehouse(joined, settings) as inner:
                assert inner is outer
                inner.prove_hold()
        assert redshift.run("select run_id from {p}ops.run_lease") == [(run.run_id,)]
    assert sum(statement.startswith("lock") for statement in standin.log) == 1
    assert redshift.run("select count(*) from {p}ops.run_lease") == [(0,)]
