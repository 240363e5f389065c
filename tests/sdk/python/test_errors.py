"""Errors arrive as the SDK's own types, and nothing is sent again that cannot succeed."""

import uuid
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import FileObject

from conftest import LIMIT, Proxy


def put(client: OpenAI, content: bytes = b"a", **extra: Any) -> FileObject:
    return client.files.create(file=("a.txt", content), purpose="user_data", **extra)


@pytest.mark.parametrize("file_id", ["file-06dvm5k8qg0021h7r5d9o4p2t", "file-06dvm5k8qg0021h7r5d9o4p2tc", "nonsense", "a b%2"])
def test_not_found(client: OpenAI, file_id: str) -> None:
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError) as caught:
            call(file_id)
        assert caught.value.status_code == 404
        assert caught.value.code == "not_found"
        assert caught.value.param == "file_id"
        assert caught.value.body["message"] == f"File not found: {file_id}"
        assert caught.value.request_id


@pytest.mark.parametrize("key", ["wrong", "sat_" + "x" * 40])
def test_authentication(options: dict[str, Any], key: str) -> None:
    with OpenAI(**options | {"api_key": key}) as client:
        for call in (client.files.list, lambda: client.files.retrieve("file-x"), lambda: put(client)):
            with pytest.raises(openai.AuthenticationError) as caught:
                call()
            assert caught.value.status_code == 401
            assert caught.value.code == "invalid_token"
            assert caught.value.response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"limit": 0}, "limit", "out_of_range"),
        ({"limit": 10_001}, "limit", "out_of_range"),
        ({"after": "nonsense"}, "after", "invalid_value"),
        ({"order": "up"}, "order", "invalid_value"),
        ({"purpose": "fun"}, "purpose", "invalid_value"),
    ],
)
def test_unprocessable_query(client: OpenAI, query: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.files.list(**query)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert caught.value.type == "invalid_request_error"
    detail = caught.value.response.json()["detail"]
    assert [d["loc"] for d in detail] == [["query", param]]


def test_unprocessable_form(client: OpenAI) -> None:
    purpose: Any = "fun"
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.files.create(
            file=("a.txt", b"a"), purpose=purpose, expires_after={"anchor": "created_at", "seconds": 3599}
        )
    detail = caught.value.response.json()["detail"]
    assert {d["loc"][1] for d in detail} == {"purpose", "expires_after"}, "all faults at once"
    assert all(d["loc"][0] == "body" for d in detail)
    assert list(client.files.list()) == [], "a refused upload leaves nothing"


def test_bad_request(client: OpenAI) -> None:
    file = put(client)
    with pytest.raises(openai.BadRequestError) as caught:
        client.patch(
            f"/files/{file.id}/metadata",
            cast_to=object,
            content=b'{"author": ',
            options={"headers": {"Content-Type": "application/json"}},
        )
    assert caught.value.code == "malformed_json"
    assert client.files.retrieve(file.id).metadata == {}


def test_permission_denied(client: OpenAI, options: dict[str, Any], workspace: str) -> None:
    file = put(client)
    wanted = {"user": workspace, "role": "viewer", "workspace": workspace}
    made: Any = client.post("/tokens", body=wanted, cast_to=object)
    with OpenAI(**options | {"api_key": made["token"]}) as viewer:
        assert viewer.files.retrieve(file.id).id == file.id
        for call in (lambda: put(viewer), lambda: viewer.files.delete(file.id)):
            with pytest.raises(openai.PermissionDeniedError) as caught:
                call()
            assert caught.value.code == "read_only"
        with pytest.raises(openai.PermissionDeniedError) as caught:
            viewer.files.list(extra_query={"workspace": "default"})
        assert caught.value.code == "workspace_forbidden"


def test_request_ids(client: OpenAI) -> None:
    file = put(client)
    assert file._request_id
    assert client.files.retrieve(file.id)._request_id != file._request_id
    raw = client.files.with_raw_response.retrieve(file.id)
    assert raw.request_id == raw.headers["x-request-id"] == raw.parse()._request_id


def test_lost_answer_with_a_key(client: OpenAI, options: dict[str, Any], proxy: Callable[[int], Proxy]) -> None:
    """The first answer is lost, the SDK sends the upload again, and there is one file."""
    way = proxy(1)
    with OpenAI(**options | {"base_url": way.url}) as behind:
        file = put(behind, b"once", extra_headers={"Idempotency-Key": uuid.uuid4().hex})
    assert way.statuses == [200, 200]
    assert [f.id for f in client.files.list()] == [file.id]
    assert client.files.content(file.id).read() == b"once"


def test_lost_answer_without_a_key(client: OpenAI, options: dict[str, Any], proxy: Callable[[int], Proxy]) -> None:
    """Without a key the server cannot know; both files are whole."""
    way = proxy(1)
    with OpenAI(**options | {"base_url": way.url}) as behind:
        file = put(behind, b"twice")
    assert way.statuses == [200, 200]
    files = list(client.files.list())
    assert len(files) == 2
    assert files[0].id == file.id
    assert {client.files.content(f.id).read() for f in files} == {b"twice"}


def test_key_with_other_content(options: dict[str, Any], proxy: Callable[[int], Proxy]) -> None:
    way, key = proxy(0), {"Idempotency-Key": uuid.uuid4().hex}
    with OpenAI(**options | {"base_url": way.url}) as client:
        put(client, b"one", extra_headers=key)
        with pytest.raises(openai.ConflictError) as caught:
            put(client, b"two", extra_headers=key)
    assert caught.value.code == "idempotency_key_reused"
    assert way.statuses == [200, 409], "a conflict that stays is not tried again"


def test_key_of_a_deleted_file(options: dict[str, Any], proxy: Callable[[int], Proxy]) -> None:
    way, key = proxy(0), {"Idempotency-Key": uuid.uuid4().hex}
    with OpenAI(**options | {"base_url": way.url}) as client:
        file = put(client, extra_headers=key)
    with OpenAI(**options) as direct:
        direct.files.delete(file.id)
    with OpenAI(**options | {"base_url": way.url}) as client, pytest.raises(openai.ConflictError) as caught:
        put(client, extra_headers=key)
    assert caught.value.code == "idempotency_key_used"
    assert way.statuses == [200, 409]


def test_too_large(client: OpenAI, options: dict[str, Any], proxy: Callable[[int], Proxy]) -> None:
    """The answer is read although the file is far over the limit, and the upload is not sent again."""
    way = proxy(0)
    with OpenAI(**options | {"base_url": way.url}) as behind, pytest.raises(openai.APIStatusError) as caught:
        put(behind, bytes(4 * LIMIT))
    assert (caught.value.status_code, caught.value.code) == (413, "file_too_large")
    assert way.statuses == [413]
    with pytest.raises(openai.APIStatusError) as caught:
        put(client, bytes(4 * LIMIT))
    assert caught.value.status_code == 413
    assert list(client.files.list()) == []


def test_the_limit_itself_is_allowed(client: OpenAI) -> None:
    assert put(client, bytes(LIMIT)).bytes == LIMIT
    with pytest.raises(openai.APIStatusError):
        put(client, bytes(LIMIT + 1))
