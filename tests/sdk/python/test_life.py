"""The rest of a file's life: lists, reading, changing, deleting."""

import json
import pathlib
import random
from typing import Any

import pytest
from openai import NotFoundError, OpenAI
from openai.types import FileObject


def put(client: OpenAI, name: str = "a.txt", content: bytes = b"a", **extra: Any) -> FileObject:
    return client.files.create(file=(name, content), purpose="user_data", extra_body=extra)


def put_and_wait(client: OpenAI, name: str = "a.txt", content: bytes = b"a") -> FileObject:
    """A file that stays as it is."""
    return client.files.wait_for_processing(put(client, name, content).id, poll_interval=0.05, max_wait_seconds=60)


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_both_base_urls(server_url: str, token: str, workspace: str, prefix: str) -> None:
    with OpenAI(api_key=token, base_url=server_url + prefix, default_query={"workspace": workspace}) as client:
        file = put_and_wait(client, "both.txt", b"both")
        assert client.files.retrieve(file.id) == file
        assert [f.id for f in client.files.list()] == [file.id]
        assert client.files.content(file.id).text == "both"
        assert client.files.delete(file.id).deleted


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_auto_paging(client: OpenAI, order: Any) -> None:
    ids = [put(client, f"{n}.txt").id for n in range(7)]
    want = ids if order == "asc" else ids[::-1]
    assert [f.id for f in client.files.list(limit=2, order=order)] == want
    pages = list(client.files.list(limit=2, order=order).iter_pages())
    assert [len(p.data) for p in pages] == [2, 2, 2, 1]
    assert [p.has_more for p in pages] == [True, True, True, False]


def test_exact_pages(client: OpenAI) -> None:
    for n in range(4):
        put(client, f"{n}.txt")
    pages = list(client.files.list(limit=2).iter_pages())
    assert [(len(p.data), p.has_more) for p in pages] == [(2, True), (2, False)]


def test_newest_first(client: OpenAI) -> None:
    ids = [put(client, f"{n}.txt").id for n in range(3)]
    assert [f.id for f in client.files.list()] == ids[::-1]


def test_after_a_deleted_file(client: OpenAI) -> None:
    ids = [put(client, f"{n}.txt").id for n in range(3)]
    client.files.delete(ids[1])
    assert [f.id for f in client.files.list(after=ids[1], order="asc")] == [ids[2]]


def test_empty_list(client: OpenAI) -> None:
    page = client.files.list()
    assert page.data == []
    assert page.has_more is False
    assert page.first_id is None
    assert page.last_id is None


def test_filters(client: OpenAI) -> None:
    hegel = put(client, "logic.txt", b"1", metadata=json.dumps({"author": "hegel", "pub": {"year": 1812}}))
    kant = put(client, "critique.txt", b"2", metadata=json.dumps({"author": "kant", "tags": ["a", "b"]}))

    def found(**query: Any) -> list[str]:
        return [f.id for f in client.files.list(extra_query=query)]

    assert found(metadata={"author": "hegel"}) == [hegel.id]
    assert found(metadata={"pub": {"year": "1812"}}) == [hegel.id]
    assert found(metadata=json.dumps({"pub": {"year": 1812}})) == [hegel.id]
    assert found(metadata=json.dumps({"tags": ["b"]})) == [kant.id]
    assert found(metadata=json.dumps({"author": "fichte"})) == []
    assert found(filename="critique.txt") == [kant.id]
    assert found(sha256=hegel.sha256) == [hegel.id]
    assert [f.id for f in client.files.list(purpose="batch")] == []


def test_content(client: OpenAI, tmp_path: pathlib.Path) -> None:
    content = random.Random(7).randbytes(3_000_000)
    file = put(client, "random.bin", content)
    answer = client.files.content(file.id)
    assert answer.read() == content
    assert answer.response.headers["content-length"] == str(len(content))
    assert answer.response.headers["x-content-type-options"] == "nosniff"
    assert answer.response.headers["content-disposition"].startswith("attachment")
    answer.write_to_file(tmp_path / "copy.bin")
    assert (tmp_path / "copy.bin").read_bytes() == content


def test_text(client: OpenAI) -> None:
    file = put(client, "text.txt", "Größe: µ, 漢字, 🙂\n".encode())
    assert client.files.content(file.id).text == "Größe: µ, 漢字, 🙂\n"


def test_streamed_content(client: OpenAI, tmp_path: pathlib.Path) -> None:
    content = random.Random(8).randbytes(2_000_000)
    file = put(client, "random.bin", content)
    with client.files.with_streaming_response.content(file.id) as answer:
        assert b"".join(answer.iter_bytes(100_000)) == content
    with client.files.with_streaming_response.content(file.id) as answer:
        answer.stream_to_file(tmp_path / "copy.bin")
    assert (tmp_path / "copy.bin").read_bytes() == content


def test_resumed_content(client: OpenAI) -> None:
    file = put(client, "a.txt", b"0123456789")
    first = client.files.with_raw_response.content(file.id)
    rest = client.files.with_raw_response.content(
        file.id, extra_headers={"Range": "bytes=4-", "If-Range": first.headers["etag"]}
    )
    assert (rest.status_code, rest.content) == (206, b"456789")
    assert rest.headers["content-range"] == "bytes 4-9/10"


def test_metadata_update(client: OpenAI) -> None:
    file = put(client, metadata=json.dumps({"author": "hegel", "draft": True}))
    changed = client.patch(f"/files/{file.id}/metadata", body={"draft": None, "year": 1812}, cast_to=FileObject)
    assert changed.metadata == {"author": "hegel", "year": 1812}
    assert client.files.retrieve(file.id).metadata == {"author": "hegel", "year": 1812}


def test_delete(client: OpenAI) -> None:
    file = put(client)
    answer = client.files.delete(file.id)
    assert (answer.id, answer.object, answer.deleted) == (file.id, "file", True)
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(NotFoundError):
            call(file.id)
    assert list(client.files.list()) == []


def test_workspaces_are_apart(client: OpenAI, options: dict[str, Any]) -> None:
    file = put_and_wait(client)
    elsewhere = options["default_query"]["workspace"] + "-b"
    with OpenAI(**options | {"default_query": {"workspace": elsewhere}}) as other:
        assert list(other.files.list()) == []
        with pytest.raises(NotFoundError):
            other.files.retrieve(file.id)
        with pytest.raises(NotFoundError):
            other.files.delete(file.id)
    assert client.files.retrieve(file.id, extra_query={"workspace": client.default_query["workspace"]}) == file


def test_default_workspace(server_url: str, token: str) -> None:
    with OpenAI(api_key=token, base_url=server_url + "/v1") as client:
        file = put_and_wait(client)
        assert file.workspace_id == "default"
        assert client.files.retrieve(file.id) == file
        assert client.files.delete(file.id).deleted


def test_extras_survive(client: OpenAI, workspace: str) -> None:
    file = client.files.retrieve(put(client, content=b"abc").id)
    assert file.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file.content_type.startswith("text/plain")
    assert file.org_id.startswith("org-")
    assert file.user_id
    assert file.workspace_id == workspace
    assert file.updated_at >= file.created_at
    assert file.instructions is None
    assert file.error is None
