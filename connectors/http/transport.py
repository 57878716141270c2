"""Bytes to one base URL and back, and the one fact that decides the outcome: had any byte of the request gone out?"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError

# Of this thread's present call: whether a byte went out, how long the answer may take, and when it must end. One connection serves one thread.
_call = threading.local()


class NotSent(Exception):
    """No byte of the request went out. `code` says why: dns, connect-failed, connect-timeout, certificate, tls."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Lost(Exception):
    """The request went out, wholly or in part, and no answer came: `code` is read-timeout or connection-lost."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer. `fault` is None, or why `body` is not whole: too-large, too-slow, cut-off, encoded."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    fault: str | None = None


class _Timed(io.RawIOBase):
    """Reads a socket until the call's deadline. A time-out for each read alone would let an answer drip for ever."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left: float = _call.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not end in time")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        _call.deadline = time.monotonic() + _call.read  # http.client makes this object when the request is out
        self.fp.close()
        self.fp = io.BufferedReader(_Timed(sock))


class _Http(HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        _call.sent = True
        super().send(data)


class _Https(HTTPSConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        _call.sent = True
        super().send(data)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class Transport:
    """Calls under one base URL: one `requests.Session` and one kept-alive connection for each thread that uses it.

    Time-outs are in seconds: `connect` for the connection and for the sending, `read` from there to the last byte of the
    answer (looking up a host's name has the resolver's own limit). `limit` is the longest answer taken, in bytes.
    Follows no redirect, keeps no cookie, reads no proxy, netrc or certificate setting from the environment.
    """

    def __init__(self, base_url: str, connect: float, read: float, limit: int, user_agent: str, ca_file: str | None) -> None:
        prepared = requests.PreparedRequest()
        prepared.prepare_url(base_url.rstrip("/") + "/", None)
        self._base = str(prepared.url).rstrip("/")
        self._prefix = prepared.path_url.rstrip("/")
        self._connect, self._read, self._limit = connect, read, limit
        self._common = {"User-Agent": user_agent, "Accept-Encoding": "identity", "Connection": "keep-alive"}
        self._verify: bool | str = ca_file or True
        self._local = threading.local()
        self._lock = threading.Lock()
        # Weak, so that the connections of a thread go with it.
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()

    def target(self, path: str) -> str:
        """The path and query as they stand on the request line, base path included."""
        return self._prefix + path

    def call(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        """Send `body` unchanged and read the answer. Raises NotSent and Lost."""
        request = requests.PreparedRequest()
        request.method = method
        request.url = self._base + path
        request.headers = CaseInsensitiveDict(self._common)
        request.headers.update(headers)
        if body is not None:
            request.headers["Content-Length"] = str(len(body))
        request.body = body
        _call.sent = False
        _call.read = self._read
        try:
            response = self._adapter().send(request, stream=True, timeout=(self._connect, self._read), verify=self._verify)
        except (requests.RequestException, HTTPError, OSError) as error:
            if _call.sent:
                raise Lost("read-timeout" if isinstance(error, requests.ReadTimeout) else "connection-lost") from None
            raise NotSent(_why(error)) from None
        content, fault = self._content(response.raw, response.headers)
        return HttpAnswer(response.status_code, response.headers, content, fault)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()
        self._local = threading.local()

    def _adapter(self) -> HTTPAdapter:
        adapter: HTTPAdapter | None = getattr(self._local, "adapter", None)
        if adapter is None:
            session = requests.Session()
            session.trust_env = False
            adapter = _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            self._local.adapter, self._local.session = adapter, session
            with self._lock:
                self._sessions.add(session)
        return adapter

    def _content(self, raw: HTTPResponse, headers: Mapping[str, str]) -> tuple[bytes, str | None]:
        """Read to the limit, undecoded."""
        parts: list[bytes] = []
        size, fault = 0, None
        try:
            while part := raw.read1(65_536, decode_content=False):
                parts.append(part)
                size += len(part)
                if size > self._limit:
                    fault = "too-large"
                    break
        except (ReadTimeoutError, TimeoutError):
            fault = "too-slow"
        except (HTTPError, OSError):
            fault = "cut-off"
        if fault is None and headers.get("Content-Encoding", "identity") != "identity":
            fault = "encoded"
        if fault:
            raw.close()
            return b"", fault
        raw.release_conn()
        return b"".join(parts), None


def _why(error: BaseException) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return "connect-timeout"
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            break
        if isinstance(seen, ssl.SSLCertVerificationError):
            return "certificate"
        if isinstance(seen, ssl.SSLError):
            return "tls"
        if isinstance(seen, NameResolutionError):
            return "dns"
        inner = getattr(seen, "reason", None) or next((a for a in seen.args if isinstance(a, BaseException)), None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ or seen.__context__
    return "connect-failed"
