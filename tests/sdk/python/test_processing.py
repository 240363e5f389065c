"""Documents that are processed, through the SDK: its own waiting, and its low-level calls for what it does not know."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from openai import APIStatusError, AsyncOpenAI, ConflictError, NotFoundError, OpenAI, UnprocessableEntityError
from openai._legacy_response import HttpxBinaryResponseContent
from openai.types import FileObject

INVOICE = Path(__file__).resolve().parents[3] / "examples/invoice.pdf"
TOTAL = "Total: 1,419.33 EUR"
WAIT: Any = {"poll_interval": 0.05, "max_wait_seconds": 120}  # the first PDF of a new server takes some seconds


def test_a_document_is_processed(client: OpenAI) -> None:
    file = client.files.create(file=INVOICE, purpose="user_data")
    assert file.status == "uploaded"
    assert file.document is None
    done = client.files.wait_for_processing(file.id, **WAIT)
    assert (done.status, done.status_details, done.error) == ("processed", None, None)
    assert done.content_type == "application/pdf"
    assert (done.document["format"], done.document["pages"]) == ("pdf", 1)
    assert done.document["title"] == "Invoice 2026-0417"
    assert client.files.retrieve(file.id) == done


def test_a_document_ends_in_error(client: OpenAI) -> None:
    file = client.files.create(file=("broken.pdf", INVOICE.read_bytes()[:2000]), purpose="user_data")
    done = client.files.wait_for_processing(file.id, **WAIT)
    assert done.status == "error"
    assert done.error["code"] == "document_broken"
    assert done.error["message"]
    assert done.status_details
    with pytest.raises(NotFoundError) as none:
        client.get(f"/files/{file.id}/text", cast_to=str)
    assert none.value.code == "no_text"


def test_waiting_asynchronously(options: dict[str, Any]) -> None:
    async def both() -> None:
        async with AsyncOpenAI(**options) as client:
            good = await client.files.create(file=INVOICE, purpose="user_data")
            bad = await client.files.create(file=("broken.pdf", INVOICE.read_bytes()[:2000]), purpose="user_data")
            done = await asyncio.gather(*(client.files.wait_for_processing(f.id, **WAIT) for f in (good, bad)))
            assert [f.status for f in done] == ["processed", "error"]

    asyncio.run(both())


def test_what_cannot_be_read_is_processed(client: OpenAI) -> None:
    file = client.files.create(file=("a.bin", bytes(range(256))), purpose="user_data")
    done = client.files.wait_for_processing(file.id, **WAIT)
    assert done.status == "processed"
    assert "No text was found" in done.status_details


def test_data_for_machines_is_not_read(client: OpenAI) -> None:
    file = client.files.create(file=("jobs.jsonl", b"{}\n"), purpose="batch")
    assert (file.status, file.document) == ("processed", None)


def test_the_server_waits(client: OpenAI) -> None:
    waited = client.files.with_raw_response.create(
        file=("note.txt", b"A note."), purpose="user_data", extra_headers={"Prefer": "wait=120"}
    )
    assert waited.headers["preference-applied"] == "wait=120"
    file = waited.parse()
    assert file.status == "processed"
    assert file.document["characters"] == 7


def test_instructions_that_cannot_be_carried_out(client: OpenAI) -> None:
    """With no model the file is stored and read all the same."""
    file = client.files.create(
        file=("note.txt", b"A note."),
        purpose="user_data",
        extra_body={"instructions": "find the author", "metadata": json.dumps({"kept": True})},
        extra_headers={"Prefer": "wait=120"},
    )
    assert file.status == "error"
    assert file.error["code"] == "model_not_configured"
    assert file.instructions == "find the author"
    assert file.metadata == {"kept": True}
    assert client.get(f"/files/{file.id}/text", cast_to=str) == "A note."


def test_an_instruction_is_refused_as_a_whole(client: OpenAI) -> None:
    file = client.files.create(file=("note.txt", b"A note."), purpose="user_data")
    client.files.wait_for_processing(file.id, **WAIT)
    with pytest.raises(UnprocessableEntityError) as refused:
        client.patch(f"/files/{file.id}/metadata", cast_to=FileObject, body={"a": 1, "instructions": "rename a to b"})
    assert refused.value.code == "model_not_configured"
    assert client.files.retrieve(file.id).metadata == {}


@pytest.fixture
def invoice(client: OpenAI) -> FileObject:
    file = client.files.create(file=INVOICE, purpose="user_data")
    return client.files.wait_for_processing(file.id, **WAIT)


def test_text(client: OpenAI, invoice: FileObject) -> None:
    text = client.get(f"/files/{invoice.id}/text", cast_to=str)
    assert TOTAL in text
    assert len(text) == invoice.document["characters"]
    whole = text.encode()
    part = client.get(
        f"/files/{invoice.id}/text", cast_to=HttpxBinaryResponseContent, options={"headers": {"Range": "bytes=5-20"}}
    )
    assert part.response.status_code == 206
    assert part.content == whole[5:21]
    assert part.response.headers["content-type"].startswith("text/plain")
    with pytest.raises(APIStatusError) as beyond:
        client.get(f"/files/{invoice.id}/text", cast_to=str, options={"headers": {"Range": "bytes=99999-"}})
    assert beyond.value.status_code == 416


def test_pages(client: OpenAI, invoice: FileObject) -> None:
    pages: Any = client.get(f"/files/{invoice.id}/pages", cast_to=object)
    assert [p["number"] for p in pages["data"]] == [1]
    assert "text" not in pages["data"][0]
    with_text: Any = client.get(f"/files/{invoice.id}/pages", cast_to=object, options={"params": {"include": "text"}})
    page: Any = client.get(f"/files/{invoice.id}/pages/1", cast_to=object)
    assert TOTAL in page["text"]
    assert with_text["data"] == [page]
    with pytest.raises(NotFoundError):
        client.get(f"/files/{invoice.id}/pages/2", cast_to=object)


def test_process_again(client: OpenAI, invoice: FileObject) -> None:
    again = client.post(
        f"/files/{invoice.id}/process", cast_to=FileObject, body={}, options={"headers": {"Prefer": "wait=120"}}
    )
    assert again.status == "processed"
    runs: Any = client.get(f"/files/{invoice.id}/runs", cast_to=object)
    assert [(r["kind"], r["status"]) for r in runs["data"]] == [("process", "succeeded")] * 2
    with pytest.raises(ConflictError) as over:
        client.post(f"/files/{invoice.id}/cancel", cast_to=FileObject)
    assert over.value.code == "run_over"
