"""What can be set, all of it by the environment; keys are never among it, they are those of AWS's own chain."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dbt_common.exceptions import DbtRuntimeError

MB = 1_000_000
PREFIX = "REDSHIFT_PYTHON_"
_ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=.@/-]+"
ROLE = re.compile(rf"\A(default|{_ROLE}(,{_ROLE})*)\Z")  # several: a chain of roles
PLACE = re.compile(r"\A[A-Za-z0-9!_.*()/=-]*\Z")  # S3: "Object key naming guidelines", without what a URL would escape


@dataclass(frozen=True)
class PythonSettings:
    """Where what is unloaded and copied lies for a while, and how much a model may hold.

    `driver_bytes`: results up to that come over the connection, greater ones by UNLOAD. `memory_bytes`: all that one
    model reads at once. `orphan_minutes`: after how long an object of another machine is taken for one that a killed
    process left.
    """

    bucket: str = ""
    prefix: str = "dbt-python-models"
    role: str = ""
    region: str | None = None
    kms_key_id: str | None = None
    driver_bytes: int = 8 * MB
    memory_bytes: int = 1000 * MB
    orphan_minutes: float = 24 * 60

    def check_stage(self) -> None:
        """Make sure that there is a place in S3.

        Raises:
            DbtRuntimeError: lists what is missing or wrong.
        """
        faults = []
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", self.bucket):
            faults.append(f"{PREFIX}BUCKET: expected the name of a bucket, found {self.bucket[:100]!r}")
        if not PLACE.match(self.prefix) or not self.prefix.strip("/"):
            faults.append(f"{PREFIX}PREFIX: expected letters, digits and !_.*()/=-, found {self.prefix[:100]!r}")
        if not ROLE.match(self.role):
            faults.append(
                f"{PREFIX}ROLE: expected arn:aws:iam::<account>:role/<name> or default, found {self.role[:100]!r}"
            )
        if self.kms_key_id and not re.fullmatch(r"[\w:/-]+", self.kms_key_id):
            faults.append(f"{PREFIX}KMS_KEY_ID: expected the id or the ARN of a key")
        if faults:
            raise DbtRuntimeError(
                "Python models on Redshift need a place in S3, for what they read and write:\n"
                + "\n".join(f"  - {fault}" for fault in faults)
            )


def read_settings(environment: Mapping[str, str] | None = None) -> PythonSettings:
    """The settings that `REDSHIFT_PYTHON_…` variables say.

    Raises:
        DbtRuntimeError: a number is none.
    """
    given = os.environ if environment is None else environment
    said = {name: given.get(PREFIX + name, "").strip() for name in ("BUCKET", "ROLE", "REGION", "KMS_KEY_ID")}
    default = PythonSettings()
    return PythonSettings(
        bucket=said["BUCKET"],
        prefix=(given.get(PREFIX + "PREFIX", "").strip() or default.prefix).strip("/"),
        role=said["ROLE"],
        region=said["REGION"] or None,
        kms_key_id=said["KMS_KEY_ID"] or None,
        driver_bytes=int(_read_number(given, "DRIVER_MB", default.driver_bytes / MB) * MB),
        memory_bytes=int(_read_number(given, "MEMORY_MB", default.memory_bytes / MB) * MB),
        orphan_minutes=_read_number(given, "ORPHAN_MINUTES", default.orphan_minutes),
    )


def _read_number(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(PREFIX + name, "").strip()
    try:
        number = float(text) if text else default
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise DbtRuntimeError(f"{PREFIX}{name}: expected a number that is not negative, found {text[:100]!r}")
    return number
