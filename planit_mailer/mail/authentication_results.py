"""Authentication-Results (RFC 8601): the mailbox provider's verdict on who sent a message.

Anybody can write such a header into a message. So only the top-most one of a server that the operator trusts counts: a
provider puts its own above everything that came with the message, and removes those that use its name. Microsoft 365
leaves its name out; there the top-most one of all is its own. A header that can be read in two ways proves nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from planit_mailer.mail import addresses, messages
from planit_mailer.mail.messages import HEADER, Message

# A quoted string, text without signs, or one sign.
TOKEN = re.compile(r'"((?:\\.|[^"\\])*+)"|([^"\\();]++)|(.)', re.DOTALL)
WORD = re.compile(r"[\w.@+-]*")
MICROSOFT, DKIM = "microsoft365", "dkim"
UNREADABLE = "\ufffd"  # in the place of a quoted string that is no word: it must match nothing


@dataclass(frozen=True, slots=True)
class Trust:
    """The servers that are trusted to authenticate senders.

    `unauthenticated` is "accept" if every single From address counts as authentic. `authserv_ids` are the servers whose
    results count. With `results` "microsoft365" it is the top-most results instead, which name no server; with "dkim"
    none count, and signatures are verified here.
    """

    unauthenticated: str = "quarantine"
    authserv_ids: tuple[str, ...] = ()
    results: str = "authserv-id"

    @property
    def believes_nobody(self) -> bool:
        """True if no message at all can be authentic, so that every one waits for the operator."""
        return not (self.unauthenticated == "accept" or self.results in (MICROSOFT, DKIM) or self.authserv_ids)

    @property
    def verifies(self) -> bool:
        """True if signatures are verified here."""
        return self.results == DKIM and self.unauthenticated != "accept"

    @property
    def in_words(self) -> str:
        """Whose word counts, for the operator."""
        if self.unauthenticated == "accept":
            return "every From address is believed"
        if self.results == MICROSOFT:
            return "the top-most verdict counts, as at Microsoft 365"
        if self.results == DKIM:
            return "no verdict counts: DKIM signatures are verified here"
        return f"the verdicts of {', '.join(self.authserv_ids) or 'nobody'} count"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The verdict on a domain; `why` gives the grounds, or says what is missing. `undecided`: it may pass later."""

    passes: bool
    why: str
    undecided: bool = False


Verified = Callable[[str], Opinion]  # whether a domain (in ASCII) has signed the message, as found out by ourselves


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one method: "dkim", "pass", and its properties, as ("header.d", "greenfield.test")."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Results:
    """One header; `server` is "" if it names none. Not `clear`: something in it can be read in two ways."""

    server: str
    found: tuple[Result, ...]
    clear: bool


def opinion(message: Message, domain: str, trust: Trust) -> Opinion:
    """Decide if the results that count prove that the owner of a domain (in ASCII) sent a message.

    DMARC decides if there is any verdict of it; else DKIM or SPF do, for exactly this domain.
    """
    results = _that_count(message, trust)
    if results is None:
        return Opinion(passes=False, why="no trusted mail server vouches for the From address")
    server = results.server or "Microsoft 365"
    if not results.clear:
        return Opinion(passes=False, why=f"what {server} says of the From address cannot be read without doubt")
    passes, said = _dmarc(results, domain) or _dkim_or_spf(results, domain)
    return Opinion(passes, f"{server} says {said}")


def read(value: str) -> Results:
    """Read a header, unfolded, whoever wrote it. Never raises."""
    statements, clear = _statements(value)
    words = statements[0].split()
    named = bool(words) and "=" not in words[0]
    server = words[0].lower() if named else ""
    return Results(server, tuple(_results(statements[named:])), clear and len(value) < HEADER)


def _that_count(message: Message, trust: Trust) -> Results | None:
    """The top-most results of a trusted server. One that cannot be read may be that, so nothing below it counts."""
    for value in messages.all_headers(message, "authentication-results"):
        results = read(value)
        if trust.results == MICROSOFT:
            return None if results.server else results
        if results.server in {name.lower() for name in trust.authserv_ids}:
            return results
        if not results.clear:
            return None
    return None


def _dmarc(results: Results, domain: str) -> tuple[bool, str] | None:
    """The DMARC verdict on a domain; None if there is no DMARC verdict at all."""
    verdicts = [result for result in results.found if result.method == "dmarc"]
    if not verdicts:
        return None
    if failed := [verdict for verdict in verdicts if verdict.result != "pass"]:
        return False, f"dmarc={failed[0].result}"
    passes = all(_domain(verdict, "header.from") == domain for verdict in verdicts)
    return passes, f"dmarc=pass {f'for {domain}' if passes else 'for another domain'}"


def _dkim_or_spf(results: Results, domain: str) -> tuple[bool, str]:
    """True if the domain itself signed the message, or allows the sending server to use it."""
    for result in results.found:
        if result.result == "pass" and result.method in ("dkim", "spf") and _proven(result) == domain:
            return True, f"{result.method}=pass for {domain}"
    return False, f"nothing of dmarc, and neither dkim=pass nor spf=pass for {domain}"


def _proven(result: Result) -> str:
    """The domain that a DKIM or SPF result is about. Gmail gives no header.d, but the signer's identity below it."""
    if result.method == "spf":
        return _domain(result, "smtp.mailfrom")
    signed = any(name == "header.d" for name, _ in result.properties)
    return _domain(result, "header.d" if signed else "header.i")


def _domain(result: Result, name: str) -> str:
    """The domain in a property, "" if there is none, or more than one."""
    given = {value for key, value in result.properties if key == name}
    return addresses.domain(given.pop().rpartition("@")[2]) if len(given) == 1 else ""


def _statements(value: str) -> tuple[list[str], bool]:
    """The text between semicolons, without comments, and False if it can be read in two ways.

    A comment with a quotation mark or a backslash in it is ambiguous, although RFC 5322 allows them: servers repeat
    addresses in comments, and an address such as "x) dmarc=pass ("@elsewhere.test would end one.
    """
    statements, depth = [""], 0
    for match in TOKEN.finditer(value):
        quoted, plain, sign = match.groups()
        if sign in ("(", ")"):
            depth += 1 if sign == "(" else -1
            statements[-1] += " "
        elif depth == 0:
            if not _add_to(statements, quoted, plain, sign):
                return statements, False
        elif quoted is not None or sign not in (None, ";"):  # within a comment
            return statements, False
        if depth < 0:
            return statements, False
    return statements, depth == 0


def _add_to(statements: list[str], quoted: str | None, plain: str | None, sign: str | None) -> bool:
    """Add a token outside comments to the last statement, or begin the next one. Return False for any other sign."""
    if sign == ";":
        statements.append("")
    elif sign is not None:
        return False
    elif plain:
        statements[-1] += plain
    else:
        statements[-1] += quoted if quoted is not None and WORD.fullmatch(quoted) else UNREADABLE
    return True


def _results(statements: list[str]) -> Iterator[Result]:
    for statement in statements:
        (method, result), *properties = _pairs(statement) or [("", "")]
        method, _, version = method.partition("/")
        known = result.isalpha() and len(result) < 20 and version in ("", "1")  # noqa: PLR2004  none is so long
        if method:
            yield Result(method, result if known else "unknown", tuple(properties))


def _pairs(statement: str) -> list[tuple[str, str]]:
    """The names and values on both sides of each "=", in small letters."""
    words = re.sub(r"\s*([=/])\s*", r"\1", statement.lower()).split()
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]
