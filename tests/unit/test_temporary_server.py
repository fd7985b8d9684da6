"""The temporary server starts or says why not, and ends with its run; a server that people name is asked first."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from flows.errors import ConfigError
from flows.run import early_server, temporary_server
from flows.run.ambient import PREFECT
from flows.run.server_process import alone
from flows.run.settings import load_settings
from flows.run.summary import open_run
from flows.run.temporary_server import TemporaryServer, reach_server
from tests.conftest import PROJECT

RUN = """
import sys
from pathlib import Path
from flows.run.temporary_server import TemporaryServer
server = TemporaryServer(Path(sys.argv[1]))
server.start(240)
print(server.process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def answering(status: int, text: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(404 if "csrf-token" in self.path else status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[str]:
    status, text = request.param
    server = HTTPServer(("127.0.0.1", 0), answering(status, text))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/api"
    server.shutdown()
    server.server_close()


def reach(url: str, folder: Path) -> None:
    with temporary_settings({PREFECT_API_URL: url}):
        reach_server(folder)


@pytest.mark.parametrize(
    ("serving", "said"),
    [
        ((401, "{}"), r"does not let us in \(401\). Set PREFECT_API_KEY"),
        ((403, "{}"), r"does not let us in \(403\)"),
        ((404, "{}"), r"no Prefect server \(it answers 404\). The address of one ends in /api"),
        ((200, "<html>"), "is no Prefect server"),
        ((200, '{"status": "ok"}'), "is no Prefect server"),
    ],
    indirect=["serving"],
)
def test_a_server_that_is_none_of_prefect_or_does_not_let_us_in_is_named(
    serving: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        reach(serving, tmp_path)


@pytest.mark.parametrize("serving", [(200, "[]")], indirect=True)
def test_a_prefect_server_that_answers_is_used_and_no_other_is_started(serving: str, tmp_path: Path) -> None:
    reach(serving, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert get_current_settings().flows.heartbeat_frequency == int(PREFECT["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])


@pytest.mark.parametrize("is_silent", [False, True])
def test_an_address_where_nothing_answers_is_named_in_time_without_its_password(
    *, is_silent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_server, "ANSWER_SECONDS", 0.5)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if is_silent:
            listener.listen()
        port = listener.getsockname()[1]
        start = time.monotonic()
        with pytest.raises(ConfigError, match=r"no server answers at http://127\.0\.0\.1:.*unset it") as raised:
            reach(f"http://ada:s3cret@127.0.0.1:{port}/api", tmp_path)
    assert time.monotonic() - start < 5
    assert "s3cret" not in str(raised.value)


def test_while_a_server_starts_what_is_to_do_meanwhile_is_done_until_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, done = iter([False, False, True]), []
    monkeypatch.setattr(TemporaryServer, "_answers", lambda _: next(answers))
    server = TemporaryServer(tmp_path)
    server.process = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE)
    server.wait(60, (done.append(step) or step for step in ("import", "import more", "import all")))
    assert done == ["import", "import more"]
    server.stop()


def test_a_server_of_this_run_alone_gets_no_heartbeats_for_which_each_flow_would_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.context import refresh_global_settings_context

    begun = TemporaryServer(tmp_path)
    begun._address = "127.0.0.1:9"
    begun.process = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE)
    monkeypatch.setattr(early_server, "_begun", [begun])
    monkeypatch.setattr(TemporaryServer, "_answers", lambda _: True)
    monkeypatch.setattr(temporary_server, "_for_this_process", ExitStack())
    monkeypatch.setenv("PREFECT_API_URL", "")  # as it was, afterwards
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        reach_server(tmp_path)
        with temporary_server._for_this_process:
            assert get_current_settings().api.url == begun.api_url
            assert get_current_settings().flows.heartbeat_frequency is None
    begun.stop()
    monkeypatch.undo()
    refresh_global_settings_context()


@pytest.mark.parametrize("serving", [(200, "[]")], indirect=True)
def test_a_server_that_was_begun_ends_where_prefect_knows_another(
    serving: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = TemporaryServer(tmp_path)
    begun.process = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE)
    monkeypatch.setattr(early_server, "_begun", [begun])
    reach(serving, tmp_path)
    assert begun.process.poll() == -signal.SIGTERM


def test_a_folder_that_cannot_be_written_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "prefect").write_text("in the way", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"cannot write its state there.*--work-dir"):
        TemporaryServer(tmp_path / "prefect").start(5)


def test_a_database_that_a_newer_prefect_has_changed_is_named_with_the_cure(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "prefect.db") as database:
        database.execute("create table alembic_version (version_num varchar(32) not null)")
        database.execute("insert into alembic_version values ('ffffffffffff')")
    database.close()
    server = TemporaryServer(tmp_path)
    with pytest.raises(ConfigError, match=r"changed by a newer Prefect.*remove the folder"):
        server.start(240)
    server.stop()


def count_block_types(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        (count,) = connection.execute("select count(*) from block_type").fetchone()
    connection.close()
    return int(count)


def test_a_server_does_not_outlive_a_run_that_is_killed_and_reads_no_setting_of_another_prefect(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    foreign = {"PREFECT_HOME": str(elsewhere), "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite:///{elsewhere}/x.db"}
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path / "home")],
        cwd=PROJECT,
        env=os.environ | foreign,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout
    server = int(run.stdout.readline())
    assert os.getsid(server) != os.getsid(run.pid)
    assert (tmp_path / "home/prefect.db").is_file()
    assert not (elsewhere / "x.db").exists()
    assert count_block_types(tmp_path / "home/prefect.db") == 0  # to look for them imports dbt and AWS
    assert not (tmp_path / "home/memo_store.toml").exists()  # they were not looked for, either
    run.send_signal(signal.SIGKILL)
    run.communicate()
    end = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.kill(server, 0)
            time.sleep(0.05)
        pytest.fail("the server outlived its run")


def test_two_runs_that_begin_at_once_in_a_new_folder_both_have_their_server(tmp_path: Path) -> None:
    """The database is made by one of them, and changed by none while the other makes it."""
    servers = [TemporaryServer(tmp_path / "home") for _ in range(2)]
    try:
        for server in servers:
            server.begin()
        for server in servers:
            server.wait(240)
    finally:
        for server in servers:
            server.stop()
    assert sorted(path.name for path in (tmp_path / "home").glob(".*")) == [".starting"]
    assert (tmp_path / "home/.starting").stat().st_mode & 0o777 == 0o600


def test_a_server_starts_also_where_its_folder_knows_no_lock(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("a file of somebody's own", encoding="utf-8")
    (tmp_path / ".starting").symlink_to(tmp_path / "elsewhere")
    with alone(tmp_path):
        pass
    with pytest.raises(OSError, match="port"), alone(tmp_path / "missing"):
        raise OSError("no port is free")
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "a file of somebody's own"


def test_any_run_removes_what_killed_runs_left_of_reports_and_nothing_else(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    for name in (".6f1c.new", ".6f1c.old", "6f1c"):
        (reports / name).mkdir(parents=True)
    with open_run(load_settings(work_dir=tmp_path)):
        assert [path.name for path in reports.iterdir()] == ["6f1c"]
