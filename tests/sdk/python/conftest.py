"""What the tests share: where the server is, clients for workspaces of their own, and a proxy that loses answers."""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from openai import OpenAI

LIMIT = 8 << 20  # the size of a file that the server is started with, see ../run


@pytest.fixture(scope="session")
def server_url() -> str:
    """The server's address, without /v1."""
    return os.environ["SDK_TEST_URL"]


@pytest.fixture(scope="session")
def token() -> str:
    """An owner's token."""
    return os.environ["SDK_TEST_TOKEN"]


@pytest.fixture
def workspace() -> str:
    """The name of a workspace that only this test knows."""
    return "py-" + uuid.uuid4().hex[:24]


@pytest.fixture
def options(server_url: str, token: str, workspace: str) -> dict[str, Any]:
    """What a client is made with: the test's own workspace."""
    return {"api_key": token, "base_url": server_url + "/v1", "default_query": {"workspace": workspace}, "timeout": 60}


@pytest.fixture
def client(options: dict[str, Any]) -> Iterator[OpenAI]:
    with OpenAI(**options) as made:
        yield made


class Proxy(ThreadingHTTPServer):
    """Passes requests on and counts them. The answers to the first `lose` of them never arrive: the connection is cut."""

    daemon_threads = True

    def __init__(self, target: str, lose: int) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        self.target = urlsplit(target).netloc
        self.lose = lose
        self.statuses: list[int] = []  # of the server's answers, the lost ones too

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Passage(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        upstream = HTTPConnection(self.server.target, timeout=60)
        try:
            upstream.request("POST", self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        self.server.statuses.append(answer.status)
        self.close_connection = True
        if len(self.server.statuses) <= self.server.lose:
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The requests are counted, not printed."""


@pytest.fixture
def proxy(server_url: str) -> Iterator[Callable[[int], Proxy]]:
    """Makes proxies in front of the server: `proxy(1)` loses the first answer."""
    started = []

    def start(lose: int) -> Proxy:
        made = Proxy(server_url, lose)
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        started.append((made, thread))
        return made

    yield start
    for made, thread in started:
        made.shutdown()
        thread.join()
        made.server_close()
