"""A name server on this machine, over UDP, that holds TXT records; and it can say nothing, or that it has failed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest


@dataclass
class NameServer:
    """Its `texts` by name, with a dot at its end; no others exist. `silent` and `failing` names are in trouble."""

    port: int = 0
    texts: dict[str, list[bytes]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def publish(self, name: str, *texts: bytes) -> None:
        """Let a name have these records, and no others."""
        self.texts[name] = list(texts)

    def answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text().lower()
        self.asked.append(name)
        if name in self.silent:
            return b""
        response = dns.message.make_response(query, recursion_available=True)
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.texts:
            response.set_rcode(dns.rcode.NXDOMAIN)
        for text in self.texts.get(name, ()):
            pieces = " ".join(f'"{text[start : start + 250].decode()}"' for start in range(0, len(text), 250))
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", pieces))
        return response.to_wire()

    def serve(self, listening: socket.socket) -> None:
        while True:
            wire, client = listening.recvfrom(4096)
            if not wire:
                return
            if answer := self.answer(wire):
                listening.sendto(answer, client)


@contextmanager
def running() -> Iterator[NameServer]:
    """A name server that runs meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        server = NameServer(listening.getsockname()[1])
        thread = threading.Thread(target=server.serve, args=(listening,))
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"", ("127.0.0.1", server.port))
            thread.join()


@pytest.fixture
def nameserver(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """The one that this process asks."""
    with running() as server:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        yield server
