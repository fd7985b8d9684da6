"""S3 for the stand-in: moto's server, and in front of it a proxy that fails when a test wants it to."""

from __future__ import annotations

import http.client
import logging
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from moto.server import ThreadedMotoServer

from tests.warehouse.redshift_standin.faults import Faults, S3Fault

HOST = "127.0.0.1"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@contextmanager
def run_moto() -> Iterator[str]:
    """moto's server on a free port of the loopback interface; gives its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield f"http://{HOST}:{port}"
    finally:
        server.stop()


@contextmanager
def run_http(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """An HTTP server with this handler on a free port of the loopback interface; gives its address."""
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def run_faulty_proxy(
    target: str, faults: Faults, fault_of_keys: Callable[[Mapping[str, str]], str | None]
) -> Iterator[str]:
    """A proxy of the server at `target`, with the faults of a test; gives its address.

    `fault_of_keys` judges the keys that a request is signed with, by its headers, which moto does not.
    """
    address = urlsplit(target).netloc

    class Handler(_FaultyHandler):
        upstream: ClassVar = address
        plan: ClassVar = faults
        judge: ClassVar = staticmethod(fault_of_keys)

    with run_http(Handler) as url:
        yield url


class _FaultyHandler(BaseHTTPRequestHandler):
    upstream: ClassVar[str]
    plan: ClassVar[Faults]
    judge: ClassVar[Callable[[Mapping[str, str]], str | None]]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the base class gives
        """Say nothing."""

    def answer(self) -> None:
        """Pass one request on, or fail as a fault says; the body is always read first."""
        key = unquote(urlsplit(self.path).path).lstrip("/")
        if self.headers.get("Expect", "").lower() == "100-continue":
            pass  # BaseHTTPRequestHandler has answered it
        body = self._read_body()
        if self.judge(self.headers):
            self._refuse(400, "ExpiredToken")
            return
        if fault := self.plan.take_s3("before", self.command, key):
            self._fail(fault)
            return
        kept: list[str] = []
        if self.command == "POST" and urlsplit(self.path).query == "delete":
            body, kept = self._keep(key, body)
        status, headers, content = self._forward(body)
        if kept:
            content = content.replace(b"</DeleteResult>", b"".join(map(_not_deleted, kept)) + b"</DeleteResult>")
        if fault := self.plan.take_s3("after", self.command, key):
            self._fail(fault)
            return
        self._send(status, headers, content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

    def _keep(self, bucket: str, body: bytes) -> tuple[bytes, list[str]]:
        """What is left of a DeleteObjects without the keys that a fault keeps, and these keys."""
        kept = []
        for entry in re.findall(rb"<Object>.*?</Object>", body):
            (key,) = re.findall(r"<Key>(.*?)</Key>", entry.decode())
            if self.plan.take_s3("before", "POST", f"{bucket}/{key}", keeps=True):
                body = body.replace(entry, entry.replace(key.encode(), b"no-such-key"))  # S3 calls that deleted
                kept.append(key)
        return body, kept

    def _refuse(self, status: int, code: str) -> None:
        self.close_connection = True
        content = f"<Error><Code>{code}</Code><Message>The stand-in was told to fail.</Message></Error>"
        self._send(status, [("Content-Type", "application/xml"), ("Connection", "close")], content.encode())

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._read_chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _read_chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP | {"expect"}
            }
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        is_head = self.command == "HEAD"
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP or (is_head and name.lower() == "content-length"):
                self.send_header(name, value)
        if not is_head:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not is_head:
            self.wfile.write(content)

    def _fail(self, fault: S3Fault) -> None:
        self.close_connection = True
        if fault.kind == "error":
            self._refuse(fault.status, fault.code)
            return
        if fault.kind == "stall":
            time.sleep(fault.seconds)
        # a linger of 0 seconds: the client gets a reset, not an orderly end
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _not_deleted(key: str) -> bytes:
    return f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>".encode()
