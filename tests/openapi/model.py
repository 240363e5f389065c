"""A stand-in for a language model: it finds the same thing in every document. An instruction that never() made is not answered the first time."""

import contextlib
import http.server
import json
import re
import secrets
import threading


def never() -> str:
    """Makes an instruction whose run has no end. It may come again in another request, and is then like any other."""
    return f"Take for ever: {secrets.token_hex(8)}."


FOR_EVER = re.compile(r"Take for ever: [0-9a-f]{16}")


class StandIn(http.server.ThreadingHTTPServer):
    """Serves chat completions on a free port of this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stopped = threading.Event()
        self.held: set[str] = set()
        self.changed = threading.Condition()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"

    @contextlib.contextmanager
    def serving(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.stopped.set()
            self.shutdown()
            self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answers when an instruction is being held: its file has a run without an end."""
        token = self.path.rpartition("/")[2]
        with self.server.changed:
            here = self.server.changed.wait_for(lambda: any(token in held for held in self.server.held), timeout=30)
        self.reply({"held": here})

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        found = FOR_EVER.search(request)
        if found and found[0] not in self.server.held:
            with self.server.changed:
                self.server.held.add(found[0])
                self.server.changed.notify_all()
            self.server.stopped.wait()
            self.close_connection = True
            return
        message = {"role": "assistant", "content": json.dumps({"set": {"subject": "bytes"}})}
        self.reply({
            "id": "1", "object": "chat.completion", "created": 0, "model": "stand-in",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        })  # fmt: skip

    def reply(self, value: object) -> None:
        answer = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Says nothing: the server under test has a log."""
