"""What the tests share: a provider with its clients, and servers that believe it."""

import contextlib
import pathlib
from collections.abc import Iterator

import pytest
from openai import OpenAI
from provider import Provider
from server import Server

BINARY = pathlib.Path(__file__).resolve().parent.parent.parent / "bin/satchel"


class Satchel:
    """A running server, and clients of it: the official SDK, which tries nothing twice here."""

    def __init__(self, server: Server, clients: contextlib.ExitStack) -> None:
        self.url = server.wait_until_ready()
        self.log = server.log
        self.clients = clients
        self.operator = self.client(server.token)

    def client(self, token: str, organization: str | None = None) -> OpenAI:
        headers = {"X-Activeloop-Org-Id": organization} if organization else {}
        client = OpenAI(api_key=token, base_url=self.url + "/v1", default_headers=headers, max_retries=0, timeout=60)
        return self.clients.enter_context(client)


@contextlib.contextmanager
def serving(provider: Provider, folder: pathlib.Path, new: str = "all") -> Iterator[Satchel]:
    """Runs a server with an empty data folder, which must end in order, and never answer with 500."""
    server = Server(BINARY, folder, provider.settings | {"SATCHEL_JWT_NEW": new})
    try:
        with contextlib.ExitStack() as clients:
            yield Satchel(server, clients)
    finally:
        status = server.stop()
    log = server.log.read_text(errors="replace")
    assert status == 0 and "status=500" not in log, log


def new_provider() -> Provider:
    """Gives a provider that is not started yet: three users of one organization, each with an algorithm, and one of another."""
    return Provider(("ada", "RS256", "northwind"), ("bob", "ES256", "northwind"), ("cid", "EdDSA", "northwind"), ("eve", "ES256", "southwind"))


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with contextlib.closing(new_provider()) as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def satchel(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Satchel]:
    with serving(provider, tmp_path_factory.mktemp("satchel")) as made:
        yield made
