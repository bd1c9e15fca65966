"""The daemon's end of the socket to its reading process: frames, each within a time and a size.

The other end may be in the hands of an attacker. If it says nothing, or a part, or too much, that ends in an error.
"""

import socket
import time

from planit_mailer.adapters.sandbox.protocol import LENGTH


class TooLong(Exception):  # noqa: N818  a fact about a frame
    """A frame is longer than it may be. None of it was received."""


class Channel:
    """One end of a socket. `until` is a time of the monotonic clock; TimeoutError is raised when it has passed."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, frame: bytes, until: float) -> None:
        """Send a frame. Raises OSError if the other end is closed."""
        for part in (LENGTH.pack(len(frame)), frame):
            self._end.settimeout(_left(until))
            self._end.sendall(part)

    def receive(self, most: int, until: float) -> bytearray:
        """Receive a frame of `most` bytes at most. Raises TooLong, or OSError if the other end is closed."""
        (length,) = LENGTH.unpack(self._read(LENGTH.size, until))
        if length > most:
            raise TooLong
        return self._read(length, until)

    def close(self) -> None:
        """Close the socket."""
        self._end.close()

    def _read(self, size: int, until: float) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            self._end.settimeout(_left(until))
            count = self._end.recv_into(rest)
            if not count:
                raise ConnectionResetError
            rest = rest[count:]
        return data


def _left(until: float) -> float:
    """The seconds that are left. Raises TimeoutError if there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
