"""A way between a client and a real server, which breaks as networks and servers do."""

import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

RESET = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: on, no seconds; closing sends RST


@dataclass(frozen=True)
class Fault:
    """From the first thing a client says with `at` in it, `answer` makes of what the server answers what it hears.

    None: it hears nothing more. After an answer the connection is closed, or reset.
    """

    at: bytes
    answer: Callable[[bytes], bytes] | None
    reset: bool = False


def nothing(_answer: bytes) -> bytes:
    return b""


def half(answer: bytes) -> bytes:
    return answer[: len(answer) // 2]


def bye(_answer: bytes) -> bytes:
    return b"* BYE Server shutting down.\r\n"


@dataclass
class Passage:
    """One connection: the port from which it goes on, the era in which it began, and the fault that struck it."""

    port: int
    era: int
    struck: Fault | None = None


class Proxy(socketserver.ThreadingTCPServer):
    """Passes everything on to a port of this machine, but for `fault`; `say` and `hear` may change what is said.

    Every connection is kept in `passages`; whoever wants to tell earlier ones from later ones counts `era` up.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target, self.era = target, 0
        self.passages: list[Passage] = []
        self.mend()

    def mend(self) -> None:
        """From now on, nothing goes wrong."""
        self.fault: Fault | None = None
        self.say: Callable[[bytes], bytes] = bytes
        self.hear: Callable[[bytes], bytes] = bytes

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Proxy)
        try:
            with socket.create_connection(("127.0.0.1", self.server.target)) as upstream:
                self.passage = Passage(upstream.getsockname()[1], self.server.era)
                self.server.passages.append(self.passage)
                while all(self.passed(side, upstream) for side in select.select([self.request, upstream], [], [])[0]):
                    pass
        except OSError:
            return  # one end is gone: so is the way between them

    def passed(self, side: socket.socket, upstream: socket.socket) -> bool:
        """Pass on what one side says; whether that was not the end."""
        data = side.recv(2**16)
        if not data:
            return False
        if side is upstream:
            return self.answered(data)
        fault = self.server.fault  # type: ignore[attr-defined]
        if fault and fault.at in data:
            self.passage.struck = fault
        upstream.sendall(self.server.say(data))  # type: ignore[attr-defined]
        return True

    def answered(self, data: bytes) -> bool:
        struck = self.passage.struck
        if struck is None:
            self.request.sendall(self.server.hear(data))  # type: ignore[attr-defined]
            return True
        if struck.answer is None:
            return True
        self.request.sendall(struck.answer(data))
        if struck.reset:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.request.close()
        return False


@contextmanager
def before(port: int) -> Iterator[Proxy]:
    """A proxy before a port, for the length of a `with` block."""
    with Proxy(port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
