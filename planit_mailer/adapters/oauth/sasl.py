"""The client's side of SASL XOAUTH2 and OAUTHBEARER, for imaplib and smtplib alike.

Both mechanisms begin with the token. A server that refuses it gives its reason in JSON, and waits for one more line
before it ends the dialogue (RFC 7628 section 3.2.3). imapclient's own login would send the token a second time at that
point, and lose the reason.
"""

from collections.abc import Callable
from typing import Final, Literal

from planit_mailer.core import text
from planit_mailer.core.config import Server

ANSWER = 300  # characters that are kept of the reason


class Bearer:
    """One login. It is called with each challenge of the server and returns the answer."""

    def __init__(
        self, server: Server, mechanism: Literal["xoauth2", "oauthbearer"], token: str, forget: Callable[[], None]
    ) -> None:
        """`forget` throws the token away. It is called if the login is refused."""
        self.mechanism: Final = mechanism.upper()
        self._opening = opening(server, mechanism, token)
        self._forget: Final = forget
        self._closing: Final = "" if mechanism == "xoauth2" else "\x01"
        self._reason = ""

    def __call__(self, challenge: bytes | None = None) -> str:
        """Return the token on the first call. On the next one, keep the server's reason and end the dialogue."""
        if self._opening:
            answer, self._opening = self._opening, ""
            return answer
        self._reason = text.one_line((challenge or b"").decode("utf-8", "replace"))[:ANSWER]
        return self._closing

    def forget_token(self) -> str:
        """Throw the refused token away: the next login asks for a new one. Return the server's reason, "" if none."""
        self._forget()
        return self._reason


def opening(server: Server, mechanism: Literal["xoauth2", "oauthbearer"], token: str) -> str:
    """The first message of a mechanism: RFC 7628 section 3.1, or as Google and Microsoft describe XOAUTH2."""
    if mechanism == "xoauth2":
        return f"user={server.username}\x01auth=Bearer {token}\x01\x01"
    name = server.username.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 section 4
    return f"n,a={name},\x01host={server.host}\x01port={server.port}\x01auth=Bearer {token}\x01\x01"
