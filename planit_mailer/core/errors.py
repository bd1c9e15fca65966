"""Errors that say whose turn it is.

    PlanitError
    ├── ConfigError    the operator's: correct the configuration or the command, exit 2
    ├── Refused        the answer to the operator's question is "no", exit 1
    ├── Unavailable    nobody's: a server is away, try again later, exit 3
    │   ├── Rejected           the server is there and says no to this one item; others may still be done
    │   │   ├── ConnectionLost the connection broke at this item again; others may be done on a new connection
    │   │   └── Deferred       the message was read, and has to wait before it can be judged
    │   └── LoginRefused       the server does not let us in; the operator is told at once
    └── Undeliverable  nobody's: the relay refused this mail for good; recorded, and the operator told

One place handles each kind of failure:

- Rejected: core/each.py's loop goes on with the next item; the job raises the last one at the end.
- Unavailable: intake.take_in and delivery do not count the attempt; the daemon's job waits and tries again.
- LoginRefused: jobs.Service.telling tells the operator.
- An error of ours in a message: intake.take_in counts it; the third one quarantines the message.
- An error of ours in a job: the daemon logs it, waits, and tries again.
- On the command line, cli turns each into its exit code.

A mistake in a school's spreadsheet is no exception but a value, `Problem`. Any other exception is a mistake of ours: it
is logged with its traceback and needs a change of code.
"""

import traceback


class PlanitError(Exception):
    """The base class of errors whose text is fit to be read by the operator."""


class ConfigError(PlanitError):
    """The configuration or the command line is wrong; the text names every mistake and how to correct it."""


class Refused(PlanitError):  # noqa: N818  it is an answer more than an error
    """The request cannot be done as things stand; the text says why and what can be done."""


class Unavailable(PlanitError):  # noqa: N818  reads as what it says: "except Unavailable"
    """A mailbox, relay, database or lock is away or refuses. The text carries the server's words."""


class Rejected(Unavailable):
    """A server is there and says no to one item, such as a folder without rights; the next one may be tried."""


class ConnectionLost(Rejected):
    """The connection broke at one item, and not for the first time; the next may be tried on a new connection."""


class Deferred(Rejected):
    """A message cannot be judged yet: a name server is away, or an earlier copy of it is still to be judged."""


class LoginRefused(Unavailable):
    """A mail server or token provider refuses our login: a password or token is wrong, or has expired.

    `what` names the server and the login; the text adds the server's words.
    """

    def __init__(self, what: str, said: str = "") -> None:
        super().__init__(f"{what}: {said}" if said else what)
        self.what = what


class Undeliverable(PlanitError):  # noqa: N818  as Unavailable
    """The relay refused a mail for good; the text carries its words."""


def cause(error: BaseException) -> str:
    """Return the kind of an error and where it was raised, without its text, which may quote a file or a message."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)  # opens no source file, which the reading process cannot
    return f"{type(error).__name__} in {frame.f_code.co_name}, line {line}"
