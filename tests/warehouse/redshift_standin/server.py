"""The listening socket of the stand-in: an event loop in a thread of its own, on the loopback interface only."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from tests.warehouse.redshift_standin.session import Session
from tests.warehouse.redshift_standin.surroundings import Surroundings

HOST = "127.0.0.1"


class Server:
    """Accepts clients between `__enter__` and `__exit__`; `errors` holds what went wrong in the stand-in itself."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.port = 0
        self.errors: list[BaseException] = []
        self._loop = asyncio.new_event_loop()
        self._sessions: set[asyncio.Task[None]] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="redshift-standin", daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        if not self._started.wait(10) or not self.port:
            raise RuntimeError("the stand-in's socket did not open")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def disconnect_all(self) -> None:
        """Cut every session and wait until it has gone."""
        asyncio.run_coroutine_threadsafe(self._cancel_sessions(), self._loop).result(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = self._loop.run_until_complete(asyncio.start_server(self._serve, HOST, 0))
        self.port = listening.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        listening.close()
        self._loop.run_until_complete(self._cancel_sessions())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _cancel_sessions(self) -> None:
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await Session(reader, writer, self.around).serve()
        except asyncio.CancelledError:
            writer.transport.abort()
        except Exception as error:
            self.errors.append(error)
            writer.transport.abort()
        finally:
            self._sessions.discard(task)
            writer.close()
