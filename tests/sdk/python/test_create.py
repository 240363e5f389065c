"""Uploads: everything that the SDK takes for a file, and every field that it sends."""

import asyncio
import io
import json
import pathlib
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI

PURPOSES = [
    "assistants",
    "assistants_output",
    "batch",
    "batch_output",
    "fine-tune",
    "fine-tune-results",
    "vision",
    "user_data",
    "evals",
]


def test_path(client: OpenAI, tmp_path: pathlib.Path, workspace: str) -> None:
    path = tmp_path / "logic.txt"
    path.write_text("the real is the rational")
    file = client.files.create(file=path, purpose="user_data")
    assert file.id.startswith("file-")
    assert file.object == "file"
    assert file.bytes == len("the real is the rational")
    assert file.filename == "logic.txt"
    assert file.purpose == "user_data"
    assert file.status == "uploaded"
    assert file.created_at > 1_700_000_000
    assert file.expires_at is None
    assert file.workspace_id == workspace
    assert file.metadata == {}
    done = client.files.wait_for_processing(file.id, poll_interval=0.05, max_wait_seconds=60)
    assert client.files.retrieve(file.id) == done
    changing = {"status", "status_details", "document", "updated_at"}
    assert file.to_dict().keys() == done.to_dict().keys()
    assert {k: v for k, v in done.to_dict().items() if k not in changing} == {
        k: v for k, v in file.to_dict().items() if k not in changing
    }


def test_open_file(client: OpenAI, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "open.bin"
    path.write_bytes(bytes(range(256)))
    with path.open("rb") as stream:
        file = client.files.create(file=stream, purpose="user_data")
    assert (file.filename, file.bytes) == ("open.bin", 256)


def test_bytes(client: OpenAI) -> None:
    file = client.files.create(file=b"only bytes", purpose="user_data")
    assert file.bytes == 10
    assert file.filename != ""
    assert client.files.content(file.id).read() == b"only bytes"


def test_stream(client: OpenAI) -> None:
    stream = io.BytesIO(b"x" * 100_000)
    stream.name = "stream.dat"
    file = client.files.create(file=stream, purpose="user_data")
    assert (file.filename, file.bytes) == ("stream.dat", 100_000)


def test_empty(client: OpenAI) -> None:
    file = client.files.create(file=("empty.txt", b""), purpose="user_data")
    assert file.bytes == 0
    assert client.files.content(file.id).read() == b""


@pytest.mark.parametrize("name", ["كتاب المنطق.pdf", "🙂 smile.txt", 'quo"te.txt', "naïve – café.md", "two  spaces.txt"])
def test_names(client: OpenAI, name: str) -> None:
    file = client.files.create(file=(name, b"x"), purpose="user_data")
    assert file.filename == name
    assert client.files.retrieve(file.id).filename == name


def test_name_with_type(client: OpenAI) -> None:
    file = client.files.create(file=("data.json", b'{"a": 1}', "application/json"), purpose="user_data")
    assert file.filename == "data.json"
    assert file.content_type.startswith("application/json")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_purposes(client: OpenAI, purpose: Any) -> None:
    file = client.files.create(file=("a.jsonl", b'{"a":1}\n'), purpose=purpose)
    assert file.purpose == purpose
    assert [f.id for f in client.files.list(purpose=purpose)] == [file.id]


def test_expires_after(client: OpenAI) -> None:
    file = client.files.create(
        file=("a.txt", b"a"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 7200}
    )
    assert file.expires_at == file.created_at + 7200


def test_several_files(client: OpenAI) -> None:
    several: Any = [("one.txt", b"1"), ("two.txt", b"22"), ("three.txt", b"333")]
    answer = client.files.create(file=several, purpose="user_data")
    assert answer.object == "list"
    assert [f["filename"] for f in answer.data] == ["one.txt", "two.txt", "three.txt"]
    ids = [f["id"] for f in answer.data]
    assert ids == sorted(ids)
    assert (answer.first_id, answer.last_id, answer.has_more) == (ids[0], ids[2], False)
    assert [f.id for f in client.files.list(order="asc")] == ids


def test_one_file_in_an_array(client: OpenAI) -> None:
    one: Any = [("one.txt", b"1")]
    file = client.files.create(file=one, purpose="user_data")
    assert (file.object, file.filename) == ("file", "one.txt")


def test_flattened_metadata(client: OpenAI) -> None:
    """The SDK flattens nested extras to metadata[author]=hegel; every value is then a string."""
    file = client.files.create(
        file=("a.txt", b"a"),
        purpose="user_data",
        extra_body={"metadata": {"author": "hegel", "tags": ["a", "b"], "pub": {"city": "Riga", "year": 1812}}},
    )
    assert file.metadata == {"author": "hegel", "tags": ["a", "b"], "pub": {"city": "Riga", "year": "1812"}}


def test_json_metadata(client: OpenAI) -> None:
    sent = {"year": 1812, "ratio": 0.1, "seen": None, "deep": {"list": [1, "two", False]}, "ключ": "значение"}
    file = client.files.create(file=("a.txt", b"a"), purpose="user_data", extra_body={"metadata": json.dumps(sent)})
    assert file.metadata == sent
    assert client.files.retrieve(file.id).metadata == sent


def test_workspace_in_the_form(client: OpenAI, workspace: str) -> None:
    file = client.files.create(file=("a.txt", b"a"), purpose="user_data", extra_body={"workspace": workspace})
    assert file.workspace_id == workspace


def test_instructions_without_a_model(client: OpenAI) -> None:
    """Nothing is lost: the file is stored, and says why it was not processed."""
    file = client.files.create(
        file=("a.txt", b"a"), purpose="user_data", extra_body={"instructions": "find the author"}
    )
    done = client.files.wait_for_processing(file.id, poll_interval=0.05, max_wait_seconds=30)
    assert done.status == "error"
    assert done.error["code"] == "model_not_configured"
    assert done.status_details
    assert done.instructions == "find the author"


def test_wait_for_processing(client: OpenAI) -> None:
    file = client.files.create(file=("a.txt", b"a"), purpose="user_data")
    done = client.files.wait_for_processing(file.id, poll_interval=0.05, max_wait_seconds=30)
    assert done.status == "processed"


def test_async(options: dict[str, Any], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "async.txt"
    path.write_text("at once")

    async def life() -> None:
        async with AsyncOpenAI(**options) as client:
            files = await asyncio.gather(*(client.files.create(file=path, purpose="user_data") for _ in range(8)))
            assert len({f.id for f in files}) == 8
            walked = [f.id async for f in client.files.list(limit=3, order="asc")]
            assert walked == sorted(f.id for f in files)
            done = await client.files.wait_for_processing(files[0].id, poll_interval=0.05, max_wait_seconds=30)
            assert done.status == "processed"
            assert (await client.files.content(files[0].id)).text == "at once"
            async with client.files.with_streaming_response.content(files[0].id) as answer:
                assert b"".join([part async for part in answer.iter_bytes()]) == b"at once"
            assert (await client.files.delete(files[0].id)).deleted

    asyncio.run(life())
