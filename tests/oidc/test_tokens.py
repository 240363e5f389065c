"""Whom a provider's tokens sign in, and which of its tokens do not."""

import pathlib

import openai
import pytest
from conftest import Satchel, serving
from openai import OpenAI
from provider import Provider


def upload(client: OpenAI, content: bytes = b"mine") -> str:
    return client.files.create(file=("a.txt", content), purpose="user_data").id


@pytest.mark.parametrize("user", ["ada", "bob", "cid"])  # RS256, ES256, EdDSA
def test_a_program_signs_in(provider: Provider, satchel: Satchel, user: str) -> None:
    client = satchel.client(provider.access_token(user))
    content = f"uploaded by {user}".encode()
    assert client.files.content(upload(client, content)).read() == content


def test_a_person_signs_in(provider: Provider, satchel: Satchel) -> None:
    granted = provider.sign_in("ada", "grace")
    file = upload(satchel.client(granted["access_token"]))
    colleague = satchel.client(provider.access_token("bob"))
    assert file in [f.id for f in colleague.files.list()]
    with pytest.raises(openai.AuthenticationError, match="meant for another audience"):
        satchel.client(granted["id_token"]).files.list()


def test_organizations_do_not_see_each_other(provider: Provider, satchel: Satchel) -> None:
    file = upload(satchel.client(provider.access_token("ada")))
    other = provider.access_token("eve")
    stranger = satchel.client(other)
    assert stranger.files.list().data == []
    for call in (stranger.files.retrieve, stranger.files.content, stranger.files.delete):
        with pytest.raises(openai.NotFoundError, match="File not found"):
            call(file)
    with pytest.raises(openai.NotFoundError, match="Organization not found: northwind"):
        satchel.client(other, organization="northwind").files.list()


def test_tokens_that_are_not_for_satchel(provider: Provider, satchel: Satchel) -> None:
    other_audience = provider.access_token("ada", resource="https://mail.example.com")
    with pytest.raises(openai.AuthenticationError, match="meant for another audience"):
        satchel.client(other_audience).files.list()
    with pytest.raises(openai.AuthenticationError):
        satchel.client(provider.opaque_token("ada")).files.list()


def test_newcomers_wait_until_they_are_linked(provider: Provider, tmp_path: pathlib.Path) -> None:
    with serving(provider, tmp_path, new="refuse") as satchel:
        ada = satchel.client(provider.access_token("ada"))
        with pytest.raises(openai.PermissionDeniedError, match="no place in its organization"):
            ada.files.list()
        satchel.operator.post("/organizations", cast_to=object, body={"name": "Northwind", "external_id": "northwind"})
        satchel.operator.post("/users", cast_to=object, body={"org": "Northwind", "name": "Ada", "role": "member", "external_id": "ada"})
        assert ada.files.retrieve(upload(ada)).filename == "a.txt"
        with pytest.raises(openai.PermissionDeniedError, match="no place in its organization"):
            satchel.client(provider.access_token("bob")).files.list()


def test_whoever_was_taken_out_stays_out(provider: Provider, tmp_path: pathlib.Path) -> None:
    with serving(provider, tmp_path) as satchel:
        owner, member = (satchel.client(provider.access_token(user)) for user in ("ada", "bob"))
        owner.files.list()  # whoever comes first owns the organization
        user = member.get("/users/me", cast_to=dict[str, object])["id"]
        owner.delete(f"/users/{user}", cast_to=object)
        for client in (member, satchel.client(provider.access_token("bob"))):
            with pytest.raises(openai.PermissionDeniedError, match="no place in its organization"):
                client.files.list()
