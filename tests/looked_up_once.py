"""What libraries look up each time anew, looked up once, or not at all where it goes into no result.

By samples of 1,000 s of a session stacks took 165 s and descriptions 49, because a test's stack is deep and its process
has thousands of modules, and because each test has AWS clients of its own:

- dbt names the module that made an adapter, once for each flag of the adapter, and the driver of Redshift the one that
  connects. Both ask for the whole stack with the lines of code around each call; without these lines it has the same
  modules.
- botocore parses the description of a service for each session, from the same bytes. A session writes into what it was
  given (a client of S3 adds regions to the list of endpoints), so each has a copy of its own, from what is parsed once.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from botocore.loaders import JSONFileLoader


@contextmanager
def looking_up_once() -> Iterator[None]:
    """While this lasts, in this process."""
    stack, load = inspect.stack, JSONFileLoader.load_file

    @cache
    def load_once(path: str) -> bytes:
        return pickle.dumps(load(JSONFileLoader(), path), pickle.HIGHEST_PROTOCOL)

    def load_copy(_: JSONFileLoader, file_path: str) -> Any:
        return pickle.loads(load_once(file_path))

    with (
        patch.object(inspect, "stack", lambda context=0: stack(context)[1:]),
        patch.object(JSONFileLoader, "load_file", load_copy),
    ):
        yield
