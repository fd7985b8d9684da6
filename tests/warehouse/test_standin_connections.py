"""Connections to the Redshift stand-in: passwords, TLS, IAM, cancelling, several at once; and that nothing stays."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
import redshift_connector
import sqlalchemy as sa
from botocore.exceptions import ClientError

from tests.conftest import PROJECT
from tests.warehouse.redshift_standin import RedshiftStandin

# redshift_connector makes its TLS context in a way that Python deprecates
pytestmark = pytest.mark.filterwarnings(
    "ignore:ssl.SSLContext:DeprecationWarning", "ignore:ssl.PROTOCOL_TLS:DeprecationWarning"
)


@pytest.fixture
def environment(standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables of the stand-in, set in this process."""
    for name, value in standin.environment().items():
        monkeypatch.setenv(name, value)
    return standin.environment()


def who_am_i(connection: redshift_connector.Connection) -> str:
    with connection, connection.cursor() as cursor:
        cursor.execute("select current_user")
        return str(cursor.fetchone()[0])


def test_wrong_password_is_refused(standin: RedshiftStandin) -> None:
    message = 'FATAL.*28000.*password authentication failed for user "awsuser"'
    with pytest.raises(redshift_connector.InterfaceError, match=message):
        standin.connect(password="wrong")


def test_unknown_user_is_refused(standin: RedshiftStandin) -> None:
    """Also one that PostgreSQL knows."""
    for user in ("nobody", "rdsdb", "IAMR:retail-pipeline"):
        with pytest.raises(redshift_connector.InterfaceError, match=f'authentication failed for user "{user}"'):
            standin.connect(user=user)


def test_unknown_database_is_refused(standin: RedshiftStandin) -> None:
    with pytest.raises(redshift_connector.ProgrammingError, match='database "nowhere" does not exist'):
        standin.connect(database="nowhere")


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_tls_with_the_private_authority(
    standin: RedshiftStandin, environment: dict[str, str], mode: str, host: str
) -> None:
    """The driver adds OpenSSL's default authorities to Amazon's: SSL_CERT_FILE names a private one."""
    assert who_am_i(standin.connect(ssl=True, sslmode=mode, host=host)) == "awsuser"


def test_tls_without_the_authority_is_refused(standin: RedshiftStandin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(redshift_connector.InterfaceError, match="certificate verify failed"):
        standin.connect(ssl=True)


def test_iam_on_serverless_logs_in_with_temporary_credentials(
    standin: RedshiftStandin, environment: dict[str, str]
) -> None:
    """GetCredentials gives user and password, GetWorkgroup host and port."""
    connection = redshift_connector.connect(
        iam=True,
        is_serverless=True,
        serverless_work_group=standin.workgroup,
        database=standin.database,
        region=standin.region,
        access_key_id="testing",
        secret_access_key="testing",
    )

    assert who_am_i(connection) == "IAMR:retail-pipeline"
    assert standin.api.calls == ["GetCredentials", "GetWorkgroup"]


def test_iam_user_has_the_rights_it_was_granted(standin: RedshiftStandin, environment: dict[str, str]) -> None:
    """It is a user of its own: the administrator sees what it makes, and it sees what it was granted."""
    standin.run("create table of_admin (id int)")
    connection = redshift_connector.connect(
        iam=True,
        is_serverless=True,
        serverless_work_group=standin.workgroup,
        host=standin.host,
        port=standin.port,
        database=standin.database,
        region=standin.region,
        access_key_id="testing",
        secret_access_key="testing",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("create schema own")
        cursor.execute("create table own.t (id int)")
        connection.commit()
        with pytest.raises(redshift_connector.ProgrammingError, match="permission denied for table of_admin"):
            cursor.execute("select * from of_admin")
        connection.rollback()

        standin.run('grant select on of_admin to "IAMR:retail-pipeline"')

        cursor.execute("select * from of_admin")
    assert standin.run("select count(*) from own.t") == [(0,)]


def test_iam_on_a_provisioned_cluster(standin: RedshiftStandin, environment: dict[str, str]) -> None:
    """DescribeClusters gives host and port, GetClusterCredentials the password of a database user."""
    connection = redshift_connector.connect(
        iam=True,
        cluster_identifier=standin.cluster,
        db_user=standin.user,
        database=standin.database,
        region=standin.region,
        access_key_id="testing",
        secret_access_key="testing",
    )

    assert who_am_i(connection) == "awsuser"
    assert set(standin.api.calls) >= {"GetClusterCredentials", "DescribeClusters"}


def test_iam_for_an_unknown_workgroup_is_refused(standin: RedshiftStandin, environment: dict[str, str]) -> None:
    """redshift_connector lets botocore's own error through."""
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*another not found"):
        redshift_connector.connect(
            iam=True,
            is_serverless=True,
            serverless_work_group="another",
            database=standin.database,
            region=standin.region,
            access_key_id="testing",
            secret_access_key="testing",
        )


def test_connections_do_not_see_each_others_transactions(standin: RedshiftStandin) -> None:
    standin.run("create table t (id int)")
    with standin.connect() as one, standin.connect() as other, one.cursor() as writer, other.cursor() as reader:
        writer.execute("insert into t values (1)")
        reader.execute("select count(*) from t")
        assert reader.fetchall() == ([0],)
        other.rollback()
        one.commit()
        reader.execute("select count(*) from t")
        assert reader.fetchall() == ([1],)


def test_cancel_request_reaches_its_session(standin: RedshiftStandin) -> None:
    """A waiting LOCK is cancelled by the key of its own connection; the holder's transaction goes on."""
    standin.run("create table t (id int)")
    with standin.connect() as holder, standin.connect() as waiter:
        holder.cursor().execute("lock table t")
        failures: list[BaseException] = []

        def wait() -> None:
            try:
                waiter.cursor().execute("lock table t")
            except redshift_connector.ProgrammingError as error:
                failures.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        until(
            lambda: "f" in standin.postgres.run_sql("select granted from pg_locks where mode = 'AccessExclusiveLock'")
        )
        with socket.create_connection((standin.host, standin.port)) as request:
            request.sendall(struct.pack("!ii", 16, 80877102) + waiter._backend_key_data)
        thread.join(10)

        assert "canceling statement due to user request" in str(failures[0])
        holder.cursor().execute("insert into t values (1)")
        holder.commit()
    assert standin.run("select count(*) from t") == [(1,)]


def test_sqlalchemy_engine_reads_into_frames(standin: RedshiftStandin, environment: dict[str, str]) -> None:
    """The dialect that reads the marts; reflection is beyond the stand-in, so pandas gets `read_sql_query`."""
    standin.run("create table t (id bigint, amount decimal(18,2))")
    standin.run("insert into t values (1, 1.50), (2, null)")
    url = sa.URL.create(
        "redshift+redshift_connector",
        username=standin.user,
        password=standin.password,
        host=standin.host,
        port=standin.port,
        database=standin.database,
    )
    engine = sa.create_engine(url, connect_args={"sslmode": "verify-ca"})
    try:
        frame = pl.read_database("select id, amount from t order by id", engine)
        assert (
            frame.rows()
            == pl.DataFrame({"id": [1, 2], "amount": ["1.50", None]})
            .select("id", pl.col("amount").cast(pl.Decimal(18, 2)))
            .rows()
        )
        assert pd.read_sql_query("select count(*) as n from t", engine)["n"].tolist() == [2]
        with engine.begin() as connection:
            connection.execute(sa.text("insert into t (id) values (:id)"), {"id": 3})
    finally:
        engine.dispose()
    assert standin.run("select max(id) from t") == [(3,)]


def test_reset_leaves_nothing(standin: RedshiftStandin) -> None:
    standin.run("create schema s")
    standin.run("create table s.t (id int)")
    standin.run("create group g")
    standin.run("grant usage on schema s to group g")
    standin.s3.put_object(Bucket=standin.bucket, Key="k", Body=b"")
    open_connection = standin.connect()

    standin.reset()

    assert standin.run("select count(*) from information_schema.tables where table_schema in ('s', 'public')") == [(0,)]
    standin.run("create group g")
    assert standin.s3.list_objects_v2(Bucket=standin.bucket)["KeyCount"] == 0
    with pytest.raises(redshift_connector.InterfaceError):
        open_connection.cursor().execute("select 1")


def test_process_of_the_standin_ends_with_its_parent(tmp_path: Path) -> None:
    """`python -m tests.warehouse.redshift_standin` prints what to export, and takes PostgreSQL and its folders with it.

    Its parent is killed; that reaches it as a SIGTERM.
    """
    _let_nobody_in(tmp_path)
    run_in_child = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'tests.warehouse.redshift_standin'])"
    process = _start(tmp_path, run_in_child)
    lines = iter(process.stdout.readline, "")  # type: ignore[union-attr]
    exports = [line.removeprefix("export ").strip() for line in takewhile(lambda line: line[0] != "#", lines)]
    variables = dict(line.split("=", 1) for line in exports)
    socket.create_connection((variables["RETAIL_REDSHIFT_HOST"], int(variables["RETAIL_REDSHIFT_PORT"]))).close()
    postgres = _postgres_in(tmp_path)

    process.kill()
    process.communicate()

    until(lambda: not Path(f"/proc/{postgres}").exists())
    until(lambda: not list(tmp_path.glob("standin_*")))


def test_postgres_ends_with_a_standin_that_is_killed(tmp_path: Path) -> None:
    _let_nobody_in(tmp_path)
    load = "import runpy; Postgres = runpy.run_path('tests/warehouse/redshift_standin/postgres.py')['Postgres']"
    process = _start(tmp_path, f"{load}\nwith Postgres(): print(flush=True); input()")
    process.stdout.readline()  # type: ignore[union-attr]
    postgres = _postgres_in(tmp_path)

    process.kill()
    process.communicate()

    until(lambda: not Path(f"/proc/{postgres}").exists())


def _let_nobody_in(folder: Path) -> None:
    """PostgreSQL, which runs as nobody when we are root, must get through to its own folder."""
    for path in [folder, *folder.parents]:
        if path.owner() == "root" and not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o001)


def _start(folder: Path, code: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=PROJECT, env=environment, **pipes)


def _postgres_in(folder: Path) -> int:
    (file,) = folder.glob("standin_*/data/postmaster.pid")
    return int(file.read_text().split()[0])


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_tls_certificate_is_for_localhost(standin: RedshiftStandin) -> None:
    """A client of Python's own that checks the name is content too."""
    context = ssl.create_default_context(cafile=str(standin.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python has it by default from 3.13 on
    with socket.create_connection((standin.host, standin.port)) as plain:
        plain.sendall(struct.pack("!ii", 8, 80877103))
        assert plain.recv(1) == b"S"
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            assert secure.version() in {"TLSv1.2", "TLSv1.3"}
