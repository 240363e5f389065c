"""The provider's keys change, and the provider comes and goes, while the server runs."""

import pathlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import openai
import pytest
from conftest import Satchel, new_provider, serving
from openai import OpenAI
from provider import Provider

WITHIN = 60  # seconds; the server asks for keys at most every ten
TRIED_EVERY = 0.1


@pytest.fixture
def provider() -> Iterator[Provider]:
    """One that a test has for itself, and starts itself."""
    with closing(new_provider()) as made:
        yield made


def outcome(client: OpenAI) -> int:
    """Gives the status of a request."""
    try:
        client.files.list()
    except openai.APIStatusError as refused:
        return refused.status_code
    return 200


def until(what: Callable[[], bool]) -> None:
    """Tries until something is true."""
    deadline = time.monotonic() + WITHIN
    while not what():
        assert time.monotonic() < deadline, "this took too long"
        time.sleep(TRIED_EVERY)


def test_keys_are_replaced(provider: Provider, tmp_path: pathlib.Path) -> None:
    provider.start()
    with serving(provider, tmp_path) as satchel:
        former = satchel.client(provider.access_token("ada"))
        assert outcome(former) == 200
        provider.rotate()
        renewed = [satchel.client(provider.access_token(user)) for user in ("ada", "bob", "cid")]
        until(lambda: [outcome(client) for client in renewed] == [200, 200, 200])
        until(lambda: outcome(former) == 401)


def test_the_provider_goes_away(provider: Provider, tmp_path: pathlib.Path) -> None:
    provider.start()
    with serving(provider, tmp_path) as satchel:
        used, unused = (satchel.client(provider.access_token(user)) for user in ("ada", "bob"))
        assert outcome(used) == 200
        provider.rotate()
        unknown = satchel.client(provider.access_token("ada"))
        provider.close()

        def is_missed() -> bool:
            assert outcome(unknown) == 401
            return "keys of the tokens' issuer could not be loaded" in satchel.log.read_text(errors="replace")

        until(is_missed)
        assert [outcome(used), outcome(unused)] == [200, 200]


def test_the_provider_comes_late(provider: Provider, tmp_path: pathlib.Path) -> None:
    with serving(provider, tmp_path) as satchel:
        body = {"user": "hal", "role": "member"}
        token = satchel.operator.post("/tokens", cast_to=dict[str, object], body=body)["token"]
        assert outcome(satchel.client(token)) == 200
        provider.start()
        client = satchel.client(provider.access_token("ada"))
        until(lambda: outcome(client) != 503)
        assert outcome(client) == 200
