"""Has right requests meet something to work on: what some operations need, no other one makes for them by chance."""

import collections
import json
import os
import secrets
import urllib.request
from typing import Any

from model import never

MOST = 5  # so many requests of an operation get what is made for them; the others meet what there is
made: collections.Counter[str] = collections.Counter()


def ask(method: str, path: str, body: object, content_type: str = "application/json") -> dict:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + os.environ["TARGET_TOKEN"], "Content-Type": content_type}
    request = urllib.request.Request(os.environ["TARGET_URL"] + path, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def name() -> str:
    return "made-" + secrets.token_hex(8)


def organization() -> dict[str, str]:
    return {"organization_id": ask("POST", "/organizations", {"name": name()})["id"]}


def user() -> dict[str, str]:
    return {"user_id": ask("POST", "/users", {"name": name()})["id"]}


def workspace_user() -> dict[str, str]:
    somebody = user()
    ask("PUT", "/workspaces/default/user", {"user": somebody["user_id"], "access": "viewer"})
    return somebody | {"workspace_id": "default"}


def file(form: bytes) -> dict[str, str]:
    """Uploads to a workspace of its own: others have the settings that were made at random."""
    workspace = name()
    uploaded = ask("POST", f"/files?workspace={workspace}", form, "multipart/form-data; boundary=x")
    return {"file_id": uploaded["id"], "workspace": workspace}


def running_file() -> dict[str, str]:
    """Makes a file whose run is under way, so that the instruction, should it come again elsewhere, is held nowhere else."""
    instruction = never()
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nBeing is.\r\n'
    form += b'--x\r\nContent-Disposition: form-data; name="instructions"\r\n\r\n' + instruction.encode() + b"\r\n--x--\r\n"
    upload = file(form)
    token = instruction.rpartition(" ")[2].strip(".")
    with urllib.request.urlopen(f"{os.environ['TARGET_MODEL']}/held/{token}") as answer:
        if not json.load(answer)["held"]:
            raise RuntimeError("the model was never asked about the file " + upload["file_id"])
    return upload


def changed_file() -> dict[str, str]:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nBeing is.\r\n--x--\r\n'
    upload = file(form)
    for draft in (True, False):
        ask("PATCH", f"/files/{upload['file_id']}/metadata?workspace={upload['workspace']}", {"draft": draft})
    return upload | {"number": 1}


# What the paths of operations are given, and the bodies of those that make something under a name that must be new.
PATHS = {
    "DELETE /organizations/{organization_id}": organization,
    "PATCH /users/{user_id}": user,
    "DELETE /users/{user_id}": user,
    "DELETE /workspaces/{workspace_id}/user/{user_id}": workspace_user,
    "POST /files/{file_id}/cancel": running_file,
    "POST /files/{file_id}/metadata/versions/{number}/restore": changed_file,
    "POST /files/{file_id}/metadata/versions/{number}/revert": changed_file,
}
BODIES = {
    "POST /workspaces": lambda: {"id": name()},
    "POST /users": lambda: {"name": name()},
    "POST /organizations": lambda: {"name": name()},
}


def prepare(case: Any) -> None:
    """Makes it likely that a right request is answered with more than 404 or 409."""
    case.headers.pop("X-Activeloop-Org-Id", None)  # a made-up organization is 404, whatever else is asked
    operation = case.operation.label
    if made[operation] == MOST or operation not in PATHS.keys() | BODIES.keys():
        return
    made[operation] += 1
    if operation in PATHS:
        target = PATHS[operation]()
        case.query.clear()
        if workspace := target.pop("workspace", None):
            case.query["workspace"] = workspace
        case.path_parameters.update(target)
    elif isinstance(case.body, dict):
        case.body.update(BODIES[operation]())
