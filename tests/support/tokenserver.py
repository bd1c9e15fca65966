"""A token endpoint on this machine that speaks as Microsoft's and as Google's do, and signs what Dovecot accepts.

It verifies what it is given: the client's secret, the signature of its certificate, the service account's assertion.
"""

import base64
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.dovecot import CERTIFICATE, ISSUER, SIGNING_KEY

TENANT, CLIENT, SECRET = "greenfield.test", "planit-client", "s3cret-Of-The-Client"
GOOGLE = "https://oauth2.googleapis.com/token"  # for whom google-auth makes its assertions, wherever it sends them
SCOPES = {"https://outlook.office365.com/.default", "https://mail.google.com/"}


class TokenServer:
    """The endpoint; its attributes say what the next token holds."""

    def __init__(self, mailbox: str) -> None:
        self.mailbox = mailbox
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.lifetime = 3600  # seconds, as it is told to the client
        self.claims: dict[str, Any] = {}
        self.asked = 0
        self.failure = ""  # what it answers, with status 503, to whoever asks
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"tokens": self}))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self._server = server
        self.url = f"https://localhost:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def microsoft365(self, **changes: Any) -> dict[str, Any]:
        """What stands in an oauth2 table for it."""
        facts = {"provider": "microsoft365", "tenant": TENANT, "client_id": CLIENT, "authority": self.url}
        secret = {} if "certificate" in changes else {"client_secret": SECRET}
        return facts | secret | changes

    def google(self, **changes: Any) -> dict[str, Any]:
        return {"provider": "google", "service_account": self.service_account()} | changes

    def service_account(self) -> str:
        """The JSON key that Google lets one download."""
        facts = {"type": "service_account", "client_email": "planit@greenfield.test", "private_key_id": "1"}
        return json.dumps(facts | {"private_key": self._private(), "token_uri": f"{self.url}/google"})

    def certificate(self, days: int = 365) -> str:
        """Private key and certificate; how long it lasts."""
        name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "planit")]), datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=days))
        pem = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        return self._private() + pem.decode()

    def token(self) -> str:
        """One token, as it stands in an answer."""
        now = int(time.time())
        facts = {"sub": self.mailbox, "email": self.mailbox, "iss": ISSUER, "scope": "imap"}
        return jwt.encode(facts | {"iat": now, "nbf": now, "exp": now + 3600} | self.claims, SIGNING_KEY, "HS256")

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What the endpoint says to a client."""
        self.asked += 1
        if self.failure:
            return 503, {"error": self.failure}
        if refused := self._refused(path, form):
            return 401, {"error": "invalid_client", "error_description": refused}
        return 200, {"token_type": "Bearer", "access_token": self.token(), "expires_in": self.lifetime}

    def _refused(self, path: str, form: dict[str, str]) -> str:
        if path == "/google":
            claims = jwt.decode(form["assertion"], self.key.public_key(), ["RS256"], audience=GOOGLE)
            known = claims["iss"] == "planit@greenfield.test" and claims["scope"] in SCOPES
            return "" if known and claims["sub"] == self.mailbox else "unauthorized_client: no delegation"
        if assertion := form.get("client_assertion"):
            audience = f"{self.url}/{TENANT}/oauth2/v2.0/token"
            claims = jwt.decode(assertion, self.key.public_key(), ["PS256", "RS256"], audience=audience)
            return "" if claims["iss"] == CLIENT else "AADSTS700016: Application was not found"
        right = (form["client_id"], form["client_secret"]) == (CLIENT, SECRET) and form["scope"] in SCOPES
        return "" if right else "AADSTS7000215: Invalid client secret provided."

    def _private(self) -> str:
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


class _Handler(BaseHTTPRequestHandler):
    tokens: TokenServer

    def do_GET(self) -> None:
        assert self.path == f"/{TENANT}/v2.0/.well-known/openid-configuration"
        base = f"{self.tokens.url}/{TENANT}"
        facts = {"issuer": f"{base}/v2.0", "token_endpoint": f"{base}/oauth2/v2.0/token"}
        self._say(200, facts | {"authorization_endpoint": f"{base}/oauth2/v2.0/authorize"})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._say(*self.tokens.answer(self.path, {key: values[0] for key, values in form.items()}))

    def _say(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def running(mailbox: str) -> Iterator[TokenServer]:
    """The endpoint, for the length of a `with` block."""
    server = TokenServer(mailbox)
    try:
        yield server
    finally:
        server.stop()


def unverified(token: str) -> dict[str, Any]:
    """What a token holds."""
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims
