"""The stand-in as a whole: PostgreSQL, the server before it, S3 and the AWS calls, started and stopped together."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import redshift_connector

from tests.warehouse.redshift_standin.accounts import ADMIN, ADMIN_PASSWORD, IAM_USER, Accounts
from tests.warehouse.redshift_standin.aws_api import ROLE_SECONDS, Api, run_api
from tests.warehouse.redshift_standin.certificates import make_tls
from tests.warehouse.redshift_standin.copy_source import ObjectStore
from tests.warehouse.redshift_standin.faults import Faults
from tests.warehouse.redshift_standin.postgres import Postgres
from tests.warehouse.redshift_standin.s3 import run_faulty_proxy, run_moto
from tests.warehouse.redshift_standin.server import Server
from tests.warehouse.redshift_standin.surroundings import Ran, Surroundings

DATABASE = "dev"
REGION = "us-east-1"
BUCKET = "retail-lake"
ROLE_ARN = "arn:aws:iam::123456789012:role/retail-copy"
WORKGROUP, CLUSTER = "retail-workgroup", "retail-cluster"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
MAKE_ROLES = f"""
    create role "{IAM_USER}" login;
    create role {ADMIN} login createrole in role "{IAM_USER}";
    alter role {ADMIN} set createrole_self_grant = 'set, inherit';
"""
MAKE_DATABASE = f"create database {DATABASE} owner {ADMIN};"
FORGET = f"""
    set allow_system_table_mods = on;
    drop owned by {ADMIN}, "{IAM_USER}" cascade;
    truncate pg_catalog.sys_load_error_detail, pg_catalog.sys_serverless_usage;
    do $$ declare name text; begin
      for name in select rolname from pg_roles where oid >= 16384 and rolname not in ('{ADMIN}', '{IAM_USER}') loop
        execute format('drop owned by %I; drop role %I', name, name);
      end loop;
    end $$;
"""
# An IAM user may make schemas, and sees of others' objects what it was granted; the administrator sees all of its.
GRANT = f"""
    grant create, temporary on database {DATABASE} to "{IAM_USER}";
    grant create on schema public to public;
"""


@dataclass(frozen=True)
class RedshiftStandin:
    """A running stand-in. Connect as redshift_connector does, with `ca_file` as SSL_CERT_FILE or with ssl=False."""

    host: str
    port: int
    ca_file: Path
    s3_endpoint: str
    faulty_s3_endpoint: str
    serverless_endpoint: str
    faults: Faults
    postgres: Postgres
    server: Server
    api: Api
    s3: Any
    database: str = DATABASE
    user: str = ADMIN
    password: str = ADMIN_PASSWORD
    bucket: str = BUCKET
    role_arn: str = ROLE_ARN
    region: str = REGION
    workgroup: str = WORKGROUP
    cluster: str = CLUSTER

    @property
    def log(self) -> list[str]:
        """Every statement that clients prepared or sent, as they wrote it."""
        return self.server.around.log

    @property
    def timeline(self) -> list[Ran]:
        """The statements that were answered: which session ran them, from when until when."""
        return self.server.around.timeline

    def connect(self, **options: Any) -> redshift_connector.Connection:
        """A plain connection without TLS, to look at what a test has done."""
        given = {"host": self.host, "port": self.port, "database": self.database, "user": self.user}
        return redshift_connector.connect(**given | {"password": self.password, "ssl": False} | options)

    def run(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run one statement in a connection and a transaction of its own; its rows, if it has any."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            connection.commit()
            return rows

    def reset(self) -> None:
        """As new: no schemas, tables, roles, objects or faults; every connection is cut."""
        self.faults.clear()
        self.server.disconnect_all()
        self.server.around.accounts.forget()
        self.postgres.run_sql(FORGET + GRANT, DATABASE)
        with suppress(self.s3.exceptions.BucketAlreadyOwnedByYou):  # another test's moto, in this process, may reset it
            self.s3.create_bucket(Bucket=self.bucket)
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
            if keys:
                self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys})
        self.log.clear()
        self.timeline.clear()
        self.api.calls.clear()
        self.api.keys.seconds = ROLE_SECONDS

    def environment(self) -> dict[str, str]:
        """Variables for a process that is to find the stand-in, its S3 and its AWS calls."""
        return {
            **KEYS,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL_S3": self.s3_endpoint,
            "AWS_ENDPOINT_URL_STS": self.serverless_endpoint,
            "AWS_ENDPOINT_URL_REDSHIFT": self.serverless_endpoint,
            "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS": self.serverless_endpoint,
            "SSL_CERT_FILE": str(self.ca_file),
        }


@contextmanager
def start_standin() -> Iterator[RedshiftStandin]:
    """Start a stand-in and stop it at the end; nothing of it stays, neither processes nor files."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        _prepare(postgres)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="standin_tls_")))
        tls, ca_file = make_tls(folder)
        s3_endpoint = stack.enter_context(run_moto())
        s3 = boto3.client("s3", endpoint_url=s3_endpoint, region_name=REGION, **_lower(KEYS))
        s3.create_bucket(Bucket=BUCKET)
        faults, accounts = Faults(), Accounts()
        store = ObjectStore(s3, frozenset({ROLE_ARN, "default"}))
        around = Surroundings(postgres.socket, tls, accounts, faults, store)
        server = stack.enter_context(Server(around))
        api = Api(accounts, "localhost", server.port, WORKGROUP, CLUSTER, faults)
        yield RedshiftStandin(
            host="localhost",
            port=server.port,
            ca_file=ca_file,
            s3_endpoint=s3_endpoint,
            faulty_s3_endpoint=stack.enter_context(run_faulty_proxy(s3_endpoint, faults, api.keys.fault_of)),
            serverless_endpoint=stack.enter_context(run_api(api)),
            faults=faults,
            postgres=postgres,
            server=server,
            api=api,
            s3=s3,
        )


def _prepare(postgres: Postgres) -> None:
    postgres.run_sql(MAKE_ROLES)
    postgres.run_sql(MAKE_DATABASE)
    postgres.run_sql(Path(__file__).with_name("catalogue.sql").read_text(encoding="utf-8") + GRANT, DATABASE)


def _lower(keys: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in keys.items()}
