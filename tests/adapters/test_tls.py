"""Connections use TLS 1.2 or newer, also if a server offers older versions."""

import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.smtp import Relay
from planit_mailer.core import config
from planit_mailer.core.errors import Unavailable
from tests.adapters.test_smtp import a_reply
from tests.support.builders import SERVICE
from tests.support.dovecot import CERTIFICATE


def a_context(protocol: int) -> ssl.SSLContext:
    """A TLS context for TLS 1.1 and nothing newer."""
    context = ssl.SSLContext(protocol)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


class Old(threading.Thread):
    """An outdated server. `spoken` are the TLS versions of the connections that succeeded."""

    def __init__(self, server: socket.socket) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.spoken: list[str | None] = []
        self.refused = 0

    def run(self) -> None:
        context = a_context(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    self.spoken.append(encrypted.version())
            except OSError:
                self.refused += 1


@contextmanager
def an_old_server() -> Iterator[tuple[Old, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        old = Old(server)
        old.start()
        yield old, server.getsockname()[1]


def log_in(what: str, port: int) -> None:
    facts = {"host": "localhost", "port": port, "security": "tls", "username": "planit", "password": "s3cret"}
    if what == "mailbox":
        with open_mailbox(config.Mailbox.model_validate(facts)):
            return
    Relay(config.Smtp.model_validate(facts | {"from": SERVICE}), SERVICE).send(a_reply())


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("what", ["mailbox", "relay"])
def test_a_server_that_speaks_only_tls_1_1_gets_no_password(what: str) -> None:
    with an_old_server() as (old, port):
        with pytest.raises(Unavailable, match=r"(?i)protocol"):
            log_in(what, port)
        assert old.spoken == []

        client = a_context(ssl.PROTOCOL_TLS_CLIENT)  # a client with an old version can connect
        client.load_verify_locations(CERTIFICATE)
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            client.wrap_socket(plain, server_hostname="localhost") as encrypted,
        ):
            assert encrypted.recv(1) == b"", "it has nothing to say"
    assert (old.spoken, old.refused) == (["TLSv1.1"], 1)
