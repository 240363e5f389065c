"""Runs the real program as a process of its own, for suites in Python."""

import os
import pathlib
import re
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request

STARTED_WITHIN = STOPPED_WITHIN = 30  # seconds


class Server:
    """The binary, running in a folder of its own, with further SATCHEL_ variables."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, settings: dict[str, str]) -> None:
        self.token = "test-" + secrets.token_hex(24)
        self.log = folder / "server.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SATCHEL_")}
        settings = settings | {
            "SATCHEL_ROOT_TOKEN": self.token,
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "home/config"),
            "XDG_DATA_HOME": str(folder / "home/data"),
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [binary, "serve", "--listen", "127.0.0.1:0", "--data", folder / "data"],
                env=clean | settings, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def wait_until_ready(self) -> str:
        """Gives the address that the server printed, once it says that it is ready."""
        deadline = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:\d+", self.log.read_text(errors="replace"))
            if found and self.is_ready(found[0]):
                return found[0]
            time.sleep(0.02)
        raise RuntimeError("the server did not become ready:\n" + self.log.read_text(errors="replace"))

    @staticmethod
    def is_ready(url: str) -> bool:
        try:
            with urllib.request.urlopen(url + "/ready", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def stop(self) -> int:
        """Asks the server to stop, and gives its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1
