"""Authentication-Results (RFC 8601): the mailbox provider's verdict on who sent a message.

Anybody can write such a header into a message. So only the top-most one of a server that the operator trusts counts: a
provider puts its own above everything that came with the message, and removes those that use its name. Microsoft 365
leaves its name out: there, the top-most one of all is its own. A header that can be read in two ways proves nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from planit_mailer.mail import addresses, messages
from planit_mailer.mail.headers import HEADER
from planit_mailer.mail.messages import Message

# A quoted string, text without special characters, or one special character.
TOKEN = re.compile(r'"((?:\\.|[^"\\])*+)"|([^"\\();]++)|(.)', re.DOTALL)
WORD = re.compile(r"[\w.@+-]*")
PARENTHESES = {"(": 1, ")": -1}
LOOKED_AT = 20  # headers; a provider puts its own on top, and real messages have a few
LONGEST_RESULT = 20  # characters; the standard's results are shorter
MICROSOFT, DKIM = "microsoft365", "dkim"
UNREADABLE = "\ufffd"  # replaces a quoted string that is no word, so that it matches nothing


@dataclass(frozen=True, slots=True)
class Trust:
    """The servers that are trusted to authenticate senders.

    `unauthenticated` is "accept" if every single From address counts as authentic. `authserv_ids` are the servers whose
    results count. If `results` is "microsoft365", only the top-most results count, and only if they name no server. If
    it is "dkim", no results count, and signatures are verified here.
    """

    unauthenticated: str = "quarantine"
    authserv_ids: tuple[str, ...] = ()
    results: str = "authserv-id"

    @property
    def authenticates_nobody(self) -> bool:
        """True if no message can be authentic, so that each one waits for the operator."""
        if self.unauthenticated == "accept" or self.results in (MICROSOFT, DKIM):
            return False
        return not self.authserv_ids

    @property
    def verifies(self) -> bool:
        """True if signatures are verified here."""
        return self.results == DKIM and self.unauthenticated != "accept"

    @property
    def description(self) -> str:
        """The trust, described for the operator."""
        if self.unauthenticated == "accept":
            return "every From address is believed"
        if self.results == MICROSOFT:
            return "the top-most verdict counts, as at Microsoft 365"
        if self.results == DKIM:
            return "no verdict counts: DKIM signatures are verified here"
        servers = ", ".join(self.authserv_ids) or "nobody"
        return f"the verdicts of {servers} count"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The verdict on a domain. `why` gives the grounds, or says what is missing. `undecided`: it may pass later."""

    passes: bool
    why: str
    undecided: bool = False


Verified = Callable[[str], Opinion]  # our own verdict on whether a domain (in ASCII) has signed the message


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one method: "dkim", "pass", and its properties, such as ("header.d", "greenfield.test")."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Results:
    """One header. `server` is "" if it names none. `clear` is False if it can be read in two ways."""

    server: str
    found: tuple[Result, ...]
    clear: bool


def opinion(message: Message, domain: str, trust: Trust) -> Opinion:
    """Decide if the results that count prove that the owner of a domain (in ASCII) sent a message.

    DMARC decides if there is any DMARC verdict. Otherwise DKIM or SPF decide, for exactly this domain.
    """
    results = _trusted(message, trust)
    if results is None:
        return Opinion(passes=False, why="no trusted mail server vouches for the From address")
    server = results.server or "Microsoft 365"
    if not results.clear:
        return Opinion(passes=False, why=f"what {server} says of the From address cannot be read without doubt")
    verdict = _dmarc(results, domain) or _dkim_or_spf(results, domain)
    return replace(verdict, why=f"{server} says {verdict.why}")


def read(value: str) -> Results:
    """Parse an unfolded header, whoever wrote it. Never raises."""
    statements, clear = _statements(value)
    words = statements[0].split()
    server = ""
    if words and "=" not in words[0]:
        server = words[0].lower()
        statements = statements[1:]
    return Results(server, tuple(_results(statements)), clear and len(value) < HEADER)


def _trusted(message: Message, trust: Trust) -> Results | None:
    """The top-most results of a trusted server.

    Results that can be read in two ways may be that server's, so nothing below them counts.
    """
    servers = {name.lower() for name in trust.authserv_ids}
    for value in islice(messages.all_headers(message, "authentication-results"), LOOKED_AT):
        results = read(value)
        if trust.results == MICROSOFT:
            return None if results.server else results
        if results.server in servers:
            return results
        if not results.clear:
            return None
    return None


def _dmarc(results: Results, domain: str) -> Opinion | None:
    """The DMARC verdict on a domain. None if the results contain no DMARC verdict at all."""
    verdicts = [result for result in results.found if result.method == "dmarc"]
    if not verdicts:
        return None
    for verdict in verdicts:
        if verdict.result != "pass":
            return Opinion(passes=False, why=f"dmarc={verdict.result}")
    if any(_domain(verdict, "header.from") != domain for verdict in verdicts):
        return Opinion(passes=False, why="dmarc=pass for another domain")
    return Opinion(passes=True, why=f"dmarc=pass for {domain}")


def _dkim_or_spf(results: Results, domain: str) -> Opinion:
    """The verdict without DMARC: it passes if the domain itself signed the message, or allows the sending server."""
    for result in results.found:
        if result.result != "pass" or result.method not in ("dkim", "spf"):
            continue
        if _authenticated_domain(result) == domain:
            return Opinion(passes=True, why=f"{result.method}=pass for {domain}")
    return Opinion(passes=False, why=f"nothing of dmarc, and neither dkim=pass nor spf=pass for {domain}")


def _authenticated_domain(result: Result) -> str:
    """The domain that a DKIM or SPF result is about. Gmail names the signer's identity (header.i) and no header.d."""
    if result.method == "spf":
        return _domain(result, "smtp.mailfrom")
    names_domain = any(name == "header.d" for name, _ in result.properties)
    return _domain(result, "header.d" if names_domain else "header.i")


def _domain(result: Result, name: str) -> str:
    """The domain in a property, "" if the property is missing or has several values."""
    values = {value for key, value in result.properties if key == name}
    if len(values) != 1:
        return ""
    return addresses.domain(values.pop().rpartition("@")[2])


def _statements(value: str) -> tuple[list[str], bool]:
    """Split a header at its semicolons and drop the comments. The second value is False if it can be read in two ways.

    A comment with a quotation mark or a backslash in it is ambiguous, although RFC 5322 allows them: servers repeat
    addresses in comments, and an address such as "x) dmarc=pass ("@elsewhere.test would end the comment.
    """
    statements = [""]
    depth = 0  # of comments in each other
    for match in TOKEN.finditer(value):
        quoted, plain, sign = match.groups()
        quoted_in_comment = quoted is not None and depth > 0
        if quoted_in_comment or sign in ('"', "\\"):
            return statements, False
        if sign in PARENTHESES:
            depth += PARENTHESES[sign]
            statements[-1] += " "
        elif depth == 0 and sign == ";":
            statements.append("")
        elif depth == 0:
            statements[-1] += _text(plain, quoted)
        if depth < 0:
            return statements, False
    return statements, depth == 0


def _text(plain: str | None, quoted: str) -> str:
    if plain is not None:
        return plain
    return quoted if WORD.fullmatch(quoted) else UNREADABLE


def _results(statements: list[str]) -> Iterator[Result]:
    for statement in statements:
        pairs = _pairs(statement)
        if not pairs:
            continue
        name, result = pairs[0]
        method, _, version = name.partition("/")
        if method and _is_known(result, version):
            yield Result(method, result, tuple(pairs[1:]))
        elif method:
            yield Result(method, "unknown", tuple(pairs[1:]))


def _pairs(statement: str) -> list[tuple[str, str]]:
    """The names and values on both sides of each "=", in lower case."""
    pairs = []
    for word in re.sub(r"\s*([=/])\s*", r"\1", statement.lower()).split():
        name, _, value = word.partition("=")
        pairs.append((name, value))
    return pairs


def _is_known(result: str, version: str) -> bool:
    return result.isalpha() and len(result) < LONGEST_RESULT and version in ("", "1")
