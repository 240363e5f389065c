"""What the run does not count as a fault, each with its reason, and nothing else.

Only two checks can have exemptions: negative_data_rejection and positive_data_acceptance, which compare what the document says of requests
with what the server takes. What the document says of answers (no status of 500 or more, statuses, content types, headers, schemas) has none,
and no operation is left out.
"""

import dataclasses
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

EXEMPT = ("negative_data_rejection", "positive_data_acceptance")


@dataclasses.dataclass(frozen=True)
class Exemption:
    check: str
    reason: str
    applies: Callable[[Any, Any], bool]  # of a case and its answer


def blank(_: Any, answer: Any) -> bool:
    """As it was sent: what a generated value becomes in a query is not always what it looks like."""
    sent = urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.request.url).query, keep_blank_values=True)
    return any(value.strip() in ("", "null") for _, value in sent)


def refused_for(code: str, *params: str) -> Callable[[Any, Any], bool]:
    """The answer names this code first, and one of these parameters, if any are given."""

    def applies(_: Any, answer: Any) -> bool:
        if not answer.content:  # of HEAD
            return False
        error = answer.json()["error"]
        return error["code"] == code and (not params or error["param"] in params)

    return applies


# Of the messages that refuse a name.
UNFIT_NAMES = (
    b"shows nothing there",
    b"must show something",
    b"must not turn the direction",
    b"must not look like an id",
    b"no path of the API could name it",
    b"means whoever asks",
    b"that means that nothing is given",
)

EXEMPTIONS = [
    Exemption(
        "negative_data_rejection",
        "A blank query value, or the literal null, is as if it were absent: clients send None that way. OpenAPI has no word for it.",
        blank,
    ),
    Exemption(
        "negative_data_rejection",
        "In a form everything is text, so that a number is a right string, and unknown query parameters are ignored: both wrong at once is right.",
        lambda case, _: case.operation.label == "POST /files" and not case.query.keys() <= {"workspace"},
    ),
    Exemption(
        "positive_data_acceptance",
        "Under Prefer: handling=strict unknown fields are refused; without it they are ignored, so the schemas allow them.",
        refused_for("unknown_parameter"),
    ),
    Exemption(
        "positive_data_acceptance",
        "JSON in a string (metadata in a query or form): OpenAPI can say that it is a string.",
        lambda case, answer: any(refused_for(code, "metadata", "metadata_schema", "expires_after")(case, answer) for code in ("invalid_json", "invalid_type")),
    ),
    Exemption(
        "positive_data_acceptance",
        "A metadata_schema is a JSON Schema, as an object or as text; OpenAPI can say that it is one of these.",
        lambda _, answer: answer.status_code == 422 and b'"metadata_schema"' in answer.content,
    ),
    Exemption(
        "positive_data_acceptance",
        "Fields that exclude each other, because clients send the same thing in two forms.",
        refused_for("contradiction"),
    ),
    Exemption(
        "positive_data_acceptance",
        "Keys of metadata, at any depth, have no control characters and 1 to 128 bytes; JSON Schema can hardly say that of all depths.",
        lambda case, answer: "/metadata" in case.path and refused_for("invalid_value")(case, answer) and b" key" in answer.content,
    ),
    Exemption(
        "positive_data_acceptance",
        "Text in a query has no NUL. The document does not repeat that for every parameter.",
        lambda case, answer: refused_for("invalid_value")(case, answer) and b"valid UTF-8 without NUL" in answer.content,
    ),
    Exemption(
        "positive_data_acceptance",
        "A part of a form has a name that is not empty (RFC 7578), and clients escape backslashes and quotation marks in it.",
        lambda case, answer: refused_for("malformed_multipart")(case, answer) and any(not n or "\\" in n or '"' in n for n in case.body),
    ),
    Exemption(
        "positive_data_acceptance",
        "A name of spaces alone, or of a folder (. and ..), is none.",
        lambda case, answer: refused_for("missing", "name", "user", "filename")(case, answer)
        and any(case.body.get(key) and not re.search(r"[^\s\x00-\x1f\x7f-\x9f./\\]", str(case.body[key])) for key in ("name", "user", "filename")),
    ),
    Exemption(
        "positive_data_acceptance",
        "Every character of a name shows something where it stands, and a name is no word that means something else: JSON Schema knows no classes of "
        "characters that are not seen.",
        lambda case, answer: refused_for("invalid_value", "name", "user", "owner", "org", "id", "workspaces")(case, answer)
        and any(word in answer.content for word in UNFIT_NAMES),
    ),
    Exemption(
        "positive_data_acceptance",
        "What If-Match, If-Unmodified-Since and Range ask for is right in form, and holds for some contents and not for others.",
        lambda _, answer: answer.status_code in (412, 416),
    ),
    Exemption(
        "positive_data_acceptance",
        "A token ends in the future, whenever that is.",
        refused_for("out_of_range", "expires_at"),
    ),
    Exemption(
        "positive_data_acceptance",
        "dry_run goes with instructions: one is a parameter, the other is in the body.",
        refused_for("missing", "instructions"),
    ),
    Exemption(
        "positive_data_acceptance",
        "Whether there is a language model is the server's configuration, not the document's.",
        refused_for("model_not_configured"),
    ),
    Exemption(
        "positive_data_acceptance",
        "Whether AI is off in a workspace is its setting.",
        refused_for("ai_disabled"),
    ),
    Exemption(
        "positive_data_acceptance",
        "Whether the server has an issuer of tokens is its configuration; without one nothing has an external_id.",
        refused_for("invalid_value", "external_id"),
    ),
]

# Operations that need not get an answer below 400 in the whole run, with the reason. The shorter run without a language model is for what it
# answers in the place of the model, and is not held to that.
UNREACHED: dict[str, str] = {}
