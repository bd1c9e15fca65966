"""Whose turn it is when something goes wrong.

    PlanitError
    ├── ConfigError    the operator's: mend the configuration or the command, exit 2
    ├── Refused        the operator's question has the answer "no", exit 1
    ├── Unavailable    nobody's: something is away, try later, exit 3
    │   ├── Rejected      it is there, and says no to this one thing; other things may still be done
    │   │   ├── ConnectionLost  it broke off at this one thing, as before; others may be done over a new connection
    │   │   └── Deferred     a message was read, and waits for something before it can be judged
    │   └── LoginRefused  it is there, and does not let us in; the operator is told at once
    └── Undeliverable  nobody's: the relay will never take this mail; noted, and the operator told

A mistake in a school's spreadsheet is no exception but a value, `uploads.problems.Problem`. Anything else that is
raised is a mistake of ours: it is logged with its traceback and needs a change of code.
"""


class PlanitError(Exception):
    """The root of all errors that say whose turn it is; its text is fit to be read by the operator."""


class ConfigError(PlanitError):
    """The configuration or the command line is wrong; the text names every mistake and how to mend it."""


class Refused(PlanitError):  # noqa: N818  it is an answer more than an error
    """What was asked for cannot be done as things stand; the text says why and what can be done."""


class Unavailable(PlanitError):  # noqa: N818  reads as what it says: "except Unavailable"
    """Something needed is away or says no: mailbox, relay, database, lock. The text carries the server's words."""


class Rejected(Unavailable):
    """A server is there and says no to one thing, such as a folder without rights; the next may be tried."""


class ConnectionLost(Rejected):
    """A server broke off at one thing, and not for the first time; the next may be tried over a new connection."""


class Deferred(Rejected):
    """A message was read, and cannot be judged yet: a name server is away, or its first copy is still to be judged."""


class LoginRefused(Unavailable):
    """A mail server or a token provider does not let us in: a password or token is wrong, or has expired."""


class Undeliverable(PlanitError):  # noqa: N818  as Unavailable
    """The relay refused a mail for good; the text carries its words."""
