"""The settings: the only reader of the environment (`RETAIL_…`), and where every path is derived from.

Priority: what a flow or command line was given, then the environment, then the default.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.cloud.costs import RPU_HOUR_USD
from flows.errors import ConfigError
from flows.lake.profiles import Profile, read_profile
from flows.lake.terms import DEFAULT_CURRENCY
from flows.run.machine import memory_bytes, share_of_duckdb
from flows.run.paths import find_path
from reports.languages import Language

PROJECT = Path(__file__).resolve().parents[2]
_WITH_SECRETS = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://(?!arn:)[^/]*[:@]")  # no name of a bucket has one of these
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)  # of orders, as flows.lake.timestamps has them
Target = Literal["local", "redshift"]
OPTIONS = (
    "source",
    "work_dir",
    "target",
    "as_of",
    "profile",
    "pdf",
    "language",
    "wait_s",
    "rebuild",
)  # of the command line


class Settings(BaseSettings):
    """Everything that can be set. Each field is the variable RETAIL_<FIELD> in the environment."""

    model_config = SettingsConfigDict(env_prefix="RETAIL_", env_ignore_empty=True, frozen=True)

    source: str = Field(
        default=str(PROJECT / "data" / "datasets"), description="Folder of the raw CSV files, or s3://…."
    )
    profile: Path | None = Field(
        default=None, description="Source profile (TOML): how a shop's own files are named and written."
    )
    work_dir: Path = Field(default=PROJECT / "data" / "work", description="Folder for everything a run writes.")
    target: Target = Field(default="local", description="The warehouse: local (DuckDB) or redshift.")
    as_of: date | None = Field(
        default=None,
        ge=FIRST_DAY,
        le=LAST_DAY,
        description="Last day the numbers cover; default: the last not after its delivery.",
    )
    max_quarantined_ratio: float = Field(
        default=0.05, ge=0, le=1, description="A file with a greater share of bad records is refused, 0 to 1."
    )
    alert_quarantined_ratio: float = Field(
        default=0.01, ge=0, le=1, description="Above this share of bad records a file is told of as an event, 0 to 1."
    )
    currency: str = Field(
        default=DEFAULT_CURRENCY,
        pattern=r"^[A-Z]{3}$",
        description="The currency of all amounts, three capital letters; a file that names another one is refused.",
    )
    allow_extra_columns: bool = Field(
        default=False, description="Leave columns out that no contract knows, instead of refusing their file."
    )
    runner: Literal["threads", "dask"] = Field(
        default="threads", description="Who converts files: threads of the run, or dask: the workers of a cluster."
    )
    dask_address: str | None = Field(
        default=None,
        pattern=r"^(tcp|tls)://[^\s/@?#]+:[0-9]{1,5}$",
        description="Of that cluster's scheduler, tls://host:8786.",
    )
    dbt_project_dir: Path = Field(default=PROJECT / "dbt", description="The dbt project.")
    dbt_retries: int = Field(default=2, ge=0, le=10, description="How often dbt re-runs what failed.")
    dbt_node_runs: bool = Field(
        default=True, description="Whether Prefect has a task run for each node of dbt; if not, one for each command."
    )
    dbt_retry_delay_seconds: float = Field(default=5, ge=0, description="Seconds before dbt re-runs what failed.")
    dbt_threads: int | None = Field(default=None, ge=1, description="How many dbt nodes run at once; 2, on Redshift 4.")
    duckdb_memory_mb: int | None = Field(
        default=None,
        ge=100,
        description="MiB that DuckDB may take before it spills to the work folder; half of the machine's or less.",
    )
    python_memory_mb: int = Field(
        default=1000, ge=1, description="How much a Python model of dbt may read into memory at once on Redshift."
    )
    pdf: bool = Field(default=False, description="Print each report as PDF too, by an installed Chromium.")
    rebuild: bool = Field(
        default=False, description="Build and report also where nothing has changed since the newest report."
    )
    language: Language = Field(default="en", description="Of the report's page and artifacts: en or fr.")
    chromium: str | None = Field(default=None, description="That Chromium or Chrome; default: the one on the PATH.")
    names_in_artifacts: bool = Field(
        default=True, description="Whether Prefect's artifacts show customers' names; else their ids stand there."
    )
    keep_reports: int = Field(
        default=10, ge=1, description="How many days' reports stay, beside the first of each month."
    )
    state: str | None = Field(
        default=None,
        pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*()=-]+)*/?$",
        description="s3://bucket/prefix where quarantine, reports and summaries are kept, too; default: nowhere else.",
    )
    keep_lake_days: int | None = Field(
        default=None, ge=0, description="Days that Parquet parts stay after they were loaded; default: for good."
    )
    keep_incoming_days: int | None = Field(
        default=None, ge=0, description="Days that copies of objects in S3 stay; default: as long as the objects."
    )
    keep_quarantine_days: int | None = Field(
        default=None, ge=0, description="Days that bad records stay after their file was loaded; default: for good."
    )
    keep_summaries_days: int | None = Field(
        default=None, ge=0, description="Days that run summaries stay; default: for good."
    )

    log_format: Literal["text", "json"] = Field(
        default="text", description="What a run says on standard error: text, or JSON, an object a line."
    )
    statement_timeout_s: int = Field(
        default=3600, ge=0, le=2_000_000, description="Seconds after which a statement is ended; 0: never."
    )
    run_timeout_s: int = Field(default=0, ge=0, description="Seconds after which a run is ended; 0: never.")
    wait_s: int = Field(default=0, ge=0, description="Seconds that a run waits for another one; 0: it is refused.")
    rpu_hour_usd: Decimal = Field(
        default=RPU_HOUR_USD, ge=0, description="US dollars of an RPU-hour of Redshift Serverless, for estimates."
    )

    schema_prefix: str = Field(
        default="", pattern=r"^([a-z][a-z0-9_]{0,30})?$", description="Before the name of every schema on Redshift."
    )
    redshift_host: str | None = Field(default=None, description="Endpoint of the workgroup or cluster.")
    redshift_port: int = Field(default=5439, ge=1, le=65535, description="Its port.")
    redshift_database: str = Field(default="dev", description="The database.")
    redshift_method: Literal["database", "iam"] = Field(
        default="database", description="database: user and password; iam: credentials that AWS gives for a while."
    )
    redshift_user: str | None = Field(default=None, description="Database user; with iam only on a cluster.")
    redshift_password: SecretStr | None = Field(default=None, description="Password; not needed with iam.")
    redshift_region: str | None = Field(default=None, description="AWS region; default: that of the AWS SDK.")
    redshift_workgroup: str | None = Field(default=None, description="Serverless workgroup; needed for iam there.")
    redshift_cluster_id: str | None = Field(default=None, description="Provisioned cluster; needed for iam there.")
    redshift_sslmode: Literal["verify-full", "verify-ca", "disable"] = Field(
        default="verify-full", description="How the server's certificate is verified."
    )
    redshift_copy_role: str | None = Field(
        default=None, description="ARN of the role COPY reads the bucket with, or the word default."
    )
    redshift_reader: str | None = Field(
        default=None,
        pattern=r"^((user:|group:|role:)?[a-z_][a-z0-9_]{0,126}|(user:)?IAMR?:[A-Za-z0-9_+=,.@-]{1,64})$",
        description="Who may read the marts: a user, group:name, role:name, IAMR:role or IAM:user.",
    )
    redshift_parallel_loads: int = Field(default=2, ge=1, le=16, description="How many tables are loaded at once.")
    redshift_lease_minutes: int = Field(
        default=5, ge=1, le=1440, description="After how long another run may take over from one that was killed."
    )
    redshift_connect_seconds: float = Field(default=180, gt=0, description="How long to wait for a sleeping workgroup.")
    s3_bucket: str | None = Field(default=None, description="Bucket where parts lie until they are loaded.")
    s3_prefix: str = Field(
        default="retail-pipeline", pattern=r"^[A-Za-z0-9!_.*()/=-]{1,200}$", description="Folder in that bucket."
    )
    s3_kms_key_id: str | None = Field(
        default=None, description="KMS key that encrypts the parts; default: the bucket's."
    )
    aws_credentials_block: str | None = Field(default=None, description="Prefect block AwsCredentials.")
    s3_bucket_block: str | None = Field(default=None, description="Prefect block S3Bucket, instead of s3_bucket.")
    redshift_secret_block: str | None = Field(
        default=None, description="Prefect block AwsSecret: JSON with username, password and, if you like, host, port."
    )
    _given: frozenset[str] = PrivateAttr(default=frozenset())

    @field_validator("source", "redshift_host")
    @classmethod
    def _without_secrets(cls, value: str | None, info: ValidationInfo) -> str | None:
        """What is shown in logs and messages holds no user and password, as addresses of other programs may."""
        if value and (_WITH_SECRETS.match(value) or (info.field_name == "redshift_host" and "@" in value)):
            raise ValueError(
                "the address holds a user or keys, which would be shown. Name the place alone; keys come from AWS's "
                "own chain or a Prefect block, user and password from RETAIL_REDSHIFT_USER and RETAIL_REDSHIFT_PASSWORD"
            )
        return value

    @field_validator("work_dir", "dbt_project_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        value = find_path(value)
        if "?" in str(value):
            raise ValueError("the path contains a question mark, which DuckDB cannot open; choose another folder")
        if not str(value).isprintable():  # nor are the stand-ins of bytes that are not UTF-8
            raise ValueError("the path is not printable UTF-8, which DuckDB cannot open; choose another folder")
        return value

    def read_profile(self) -> Profile | None:
        """The source profile, checked; None if there is none."""
        return read_profile(self.profile) if self.profile else None

    def customer_classes(self) -> list[list[str]] | None:
        """Pairs of a class and its least net sales, from the profile, the smallest last; None: those of the project."""
        profile = self.read_profile()
        if profile is None or profile.classes is None:
            return None
        ordered = sorted(profile.classes.items(), key=lambda each: each[1], reverse=True)
        return [[name, f"{amount:.2f}"] for name, amount in ordered]

    @field_validator("profile")
    @classmethod
    def _absolute_profile(cls, value: Path | None) -> Path | None:
        return find_path(value) if value else None

    def origin(self, field: str) -> str:
        """Where a value comes from: it was given to flow or command line, a variable says it, or it is the default."""
        if field in self._given:
            return "given"
        return f"RETAIL_{field.upper()}" if field in self.model_fields_set else "default"

    @property
    def incoming_dir(self) -> Path:
        """Copies of the files of a source in S3."""
        return self.work_dir / "incoming"

    @property
    def duckdb_path(self) -> Path:
        """The embedded warehouse."""
        return self.work_dir / "warehouse.duckdb"

    @property
    def quarantine_dir(self) -> Path:
        """Bad records, one folder a table."""
        return self.work_dir / "quarantine"

    @property
    def reports_dir(self) -> Path:
        """Published reports; `latest` is the newest."""
        return self.work_dir / "reports"

    @property
    def runs_dir(self) -> Path:
        """Run summaries."""
        return self.work_dir / "runs"

    @property
    def dbt_target_dir(self) -> Path:
        """What dbt writes: its parsed project, run results and compiled SQL."""
        return self.work_dir / "dbt" / self.target

    @property
    def duckdb_memory(self) -> int:
        """MiB that DuckDB may take; the rest is for Python, for what DuckDB does not count, and for others."""
        return self.duckdb_memory_mb or share_of_duckdb(memory_bytes() >> 20)

    @property
    def active_prefix(self) -> str:
        """Before the name of every schema; the embedded warehouse has one user and needs none."""
        return self.schema_prefix if self.target == "redshift" else ""

    def dbt_variables(self) -> dict[str, Any]:
        """The vars of dbt that a run sets: the customer classes of its source profile."""
        classes = self.customer_classes()
        return {"customer_classes": classes} if classes else {}

    def dbt_environment(self) -> dict[str, str]:
        """What dbt/profiles.yml and the project read on every target; `flows.run.target` adds what Redshift needs."""
        return {
            "RETAIL_TARGET": self.target,
            "RETAIL_AS_OF": self.as_of.isoformat() if self.as_of else "",
            "RETAIL_DUCKDB_PATH": str(self.duckdb_path),
            "RETAIL_DUCKDB_MEMORY_MB": str(self.duckdb_memory),
            "RETAIL_DBT_THREADS": str(self.dbt_threads or (4 if self.target == "redshift" else 2)),
            "RETAIL_SCHEMA_PREFIX": self.active_prefix,
            "RETAIL_REDSHIFT_READER": self.redshift_reader or "",
        }


def load_settings(**given: Any) -> Settings:
    """The settings, with what was given (None: not given) before the environment.

    Raises:
        ConfigError: names every value that is wrong and what is expected.
    """
    given = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(**given)
        settings._given = frozenset(given)  # noqa: SLF001 - what pydantic-settings itself does not keep
    except ValidationError as error:
        faults = [f"  - {_name(str(fault['loc'][0]))}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError("\n".join(["These settings are wrong:", *faults])) from None

    return _with_profile(settings)


def _with_profile(settings: Settings) -> Settings:
    """The settings with the currency of the shop's profile, which is read and checked; a missing one is no fault."""
    profile = settings.read_profile()
    if profile is None or profile.currency is None:
        return settings
    if "currency" in settings.model_fields_set and settings.currency != profile.currency:
        raise ConfigError(
            f"RETAIL_CURRENCY is {settings.currency}, but the profile {profile.path} says {profile.currency}. "
            "Unset the one, or correct the other."
        )
    return settings.model_copy(update={"currency": profile.currency})


def _name(setting: str) -> str:
    """A setting as its user knows it, with every way to set it."""
    variable = f"RETAIL_{setting.upper()}"
    if setting not in OPTIONS:
        return f"{setting}, set by {variable}"
    return f"{setting}, set by either --{setting.removesuffix('_s').replace('_', '-')} or {variable}"
