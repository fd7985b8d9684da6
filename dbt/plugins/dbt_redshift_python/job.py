"""One run of one Python model, in dbt's own process: its text in, a table out, and nothing left in S3."""

from __future__ import annotations

import json
import sys
import threading
import traceback
import types
import uuid
from typing import Any

from dbt.adapters.base.impl import PythonJobHelper
from dbt.adapters.contracts.connection import AdapterResponse
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.invocation import get_invocation_id

from dbt_redshift_python.frames import take_returned
from dbt_redshift_python.reading import Reader
from dbt_redshift_python.relations import Relation, Session
from dbt_redshift_python.settings import MB, read_settings
from dbt_redshift_python.stage import Stage
from dbt_redshift_python.statements import Statements
from dbt_redshift_python.writing import Target, Writer

_swept: set[tuple[str, str]] = set()
_guard = threading.Lock()


class PolarsJob(PythonJobHelper):
    """What dbt makes for each run of a model, and asks once to `submit`."""

    def __init__(self, parsed_model: dict[str, Any], credential: Any, adapter: Any) -> None:  # noqa: ARG002  dbt's call
        self.model = parsed_model
        self.path: str = parsed_model["original_file_path"]
        self.statements = Statements(adapter)
        self.settings = read_settings()
        self._stage: Stage | None = None

    def submit(self, compiled_code: str) -> AdapterResponse:
        """Run the model and write what it returns; the materialization says where to by `REDSHIFT_TARGET`.

        Raises:
            DbtRuntimeError: the model failed, or what it returned is no table; names its file and the line.
        """
        try:
            rows = self._run(compiled_code)
        finally:
            if self._stage is not None:
                self._stage.remove()
        return AdapterResponse(_message=f"PYTHON {rows}", code="PYTHON", rows_affected=rows)

    def open_stage(self) -> Stage:
        """The place in S3 of this run; the first of an invocation of dbt removes what killed processes left."""
        if self._stage is None:
            self._stage = Stage(self.settings, self.model["alias"])
            place = (get_invocation_id(), self.settings.bucket + "/" + self.settings.prefix)
            with _guard:
                is_first = place not in _swept
                _swept.add(place)
            if is_first:
                self._stage.sweep()
        return self._stage

    def _run(self, compiled_code: str) -> int:
        module = types.ModuleType(f"dbt_model_{self.model['alias']}_{uuid.uuid4().hex[:8]}")
        sys.modules[module.__name__] = module  # data classes look up the module that they are defined in
        try:
            returned, target = self._call(module, compiled_code)
            return self._write(returned, target)
        finally:
            del sys.modules[module.__name__]

    def _call(self, module: types.ModuleType, compiled_code: str) -> tuple[Any, Target]:
        reader = Reader(self.statements, self.settings, self.open_stage, self._memory_bytes())
        try:
            code = compiled_code.lstrip()  # dbt has stripped the model, so that its first line is line 1
            exec(compile(code, self.path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  the model
            dbt = module.dbtObj(lambda name: Relation(reader, f"select * from {name}"))
            returned = module.model(dbt, Session(reader))
        except Exception as error:
            raise self._explain(error) from error
        said = json.loads(module.REDSHIFT_TARGET)
        target = Target(said["relation"], said["is_temporary"], said["declared"], said["options"], said["held"])
        return returned, target

    def _write(self, returned: Any, target: Target) -> int:
        try:
            return Writer(self.statements, self.open_stage).write(take_returned(returned), target)
        except Exception as error:  # a reader that the model made may fail as late as this
            raise self._explain(error) from error

    def _memory_bytes(self) -> int:
        """The limit of this model: `memory_mb` in its meta, else the setting."""
        said = (self.model["config"].get("meta") or {}).get("memory_mb")
        if said is None:
            return self.settings.memory_bytes
        if isinstance(said, bool) or not isinstance(said, int | float) or said < 0:
            raise DbtRuntimeError(f"{self.path}: memory_mb in its meta is {said!r}; expected a number of megabytes")
        return int(said * MB)

    def _explain(self, error: Exception) -> DbtRuntimeError:
        """The error with the file and the last line of the model that it went through."""
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.path]
        where = f"{self.path}, line {lines[-1]}" if lines else self.path
        if isinstance(error, DbtRuntimeError):
            return DbtRuntimeError(f"{where}: {error.msg}")
        return DbtRuntimeError(f"{where}: the model failed with {type(error).__name__}: {error}")
