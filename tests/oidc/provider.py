"""Runs the OpenID provider of provider.js as a process, and gets tokens from it as programs and people do."""

import base64
import hashlib
import http.cookiejar
import json
import pathlib
import secrets
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

PROGRAM = pathlib.Path(__file__).resolve().parent / "provider.js"
AUDIENCE = "https://files.example.com"
STOPPED_WITHIN = 30  # seconds


class Provider:
    """Has its address from the beginning; connections are refused there until it is started, and again once it is stopped."""

    def __init__(self, *clients: tuple[str, str, str]) -> None:
        """Takes the clients: id, algorithm of the access tokens, organization."""
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.issuer = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.secret = secrets.token_hex(24)
        self.clients = [self.client(*client) for client in clients]
        self.process: subprocess.Popen[str] | None = None

    def client(self, name: str, algorithm: str, organization: str) -> dict[str, object]:
        return {
            "client_id": name, "client_secret": self.secret, "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials", "authorization_code"], "response_types": ["code"], "redirect_uris": [self.issuer + "/signed-in"],
            "algorithm": algorithm, "organization": organization,
        }  # fmt: skip

    @property
    def settings(self) -> dict[str, str]:
        """What a Satchel that believes this provider is started with."""
        return {"SATCHEL_JWT_ISSUER": self.issuer, "SATCHEL_JWT_AUDIENCE": AUDIENCE, "SATCHEL_JWT_JWKS_URL": self.issuer + "/jwks"}

    def start(self) -> None:
        config = {"issuer": self.issuer, "socket": self.socket.fileno(), "clients": self.clients}
        self.process = subprocess.Popen(
            ["node", PROGRAM, json.dumps(config)], pass_fds=[self.socket.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self.socket.close()
        self.await_ready()
        with urllib.request.urlopen(self.issuer + "/.well-known/openid-configuration") as answer:
            found = json.load(answer)
        assert (found["issuer"], found["jwks_uri"]) == (self.issuer, self.settings["SATCHEL_JWT_JWKS_URL"])

    def await_ready(self) -> None:
        """Waits for the line that the process prints next; there is none if it has ended."""
        assert self.process.stdout.readline() == "ready\n"

    def rotate(self) -> None:
        """Has all keys replaced by new ones."""
        self.process.send_signal(signal.SIGHUP)
        self.await_ready()

    def close(self) -> None:
        self.socket.close()
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(STOPPED_WITHIN)
        self.process.stdout.close()

    def token(self, client: str, **parameters: str) -> dict[str, str]:
        """Asks for tokens at the token endpoint and gives its answer."""
        body = urlencode({"client_id": client, "client_secret": self.secret} | parameters).encode()
        with urllib.request.urlopen(self.issuer + "/token", body) as answer:
            return json.load(answer)

    def access_token(self, client: str, resource: str = AUDIENCE) -> str:
        """Gives a program's token, a JWT."""
        return self.token(client, grant_type="client_credentials", resource=resource)["access_token"]

    def opaque_token(self, client: str) -> str:
        """Gives a token that only the provider itself can read: one for no resource."""
        return self.token(client, grant_type="client_credentials")["access_token"]

    def sign_in(self, client: str, person: str) -> dict[str, str]:
        """Goes the way of a browser (authorization code with PKCE) to the tokens of a person, an ID token too."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        verifier, redirect = secrets.token_urlsafe(48), self.issuer + "/signed-in"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": client, "response_type": "code", "redirect_uri": redirect, "scope": "openid files", "resource": AUDIENCE,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        form = browser.open(f"{self.issuer}/auth?{urlencode(asked)}").url
        form = browser.open(form, urlencode({"prompt": "login", "login": person, "password": "any"}).encode()).url
        try:
            browser.open(form, urlencode({"prompt": "consent"}).encode())
        except urllib.error.HTTPError as end:  # there is no page where the browser is sent with the code in the end
            assert end.url.startswith(redirect + "?"), end.url
            code = parse_qs(urlsplit(end.url).query)["code"][0]
        return self.token(client, grant_type="authorization_code", code=code, redirect_uri=redirect, code_verifier=verifier, resource=AUDIENCE)
