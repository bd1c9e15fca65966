"""DNS lookups at a real name server."""

import time

import dns.resolver
import pytest

from planit_mailer.adapters.dns import Dns
from planit_mailer.core.errors import Rejected
from tests.support.nameserver import NameServer

NAME = "s1._domainkey.greenfield.test."


def test_the_texts_of_a_name_are_told_whole(nameserver: NameServer) -> None:
    nameserver.publish(NAME, b"v=DKIM1; p=" + b"A" * 600, b"another")
    assert sorted(Dns().texts(NAME)) == [b"another", b"v=DKIM1; p=" + b"A" * 600]
    assert nameserver.asked == [NAME], "no search list is tried"


def test_a_name_that_does_not_exist_or_has_no_texts_has_none(nameserver: NameServer) -> None:
    nameserver.publish(NAME)
    assert Dns().texts(NAME) == Dns().texts("nothing.test.") == ()


def test_a_name_that_is_too_long_to_be_one_has_none() -> None:
    assert Dns().texts(f"{'s' * 60}." * 4 + NAME) == ()


def test_a_server_that_has_failed_is_no_answer(nameserver: NameServer) -> None:
    nameserver.failing.add(NAME)
    with pytest.raises(Rejected, match=f"no answer for {NAME}"):
        Dns().texts(NAME)


def test_a_machine_without_resolvers_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns.resolver, "default_resolver", dns.resolver.Resolver(configure=False))
    with pytest.raises(Rejected):
        Dns().texts(NAME)


def test_strangers_use_up_no_time_of_registered_domains_and_none_of_these_that_of_the_others(
    nameserver: NameServer,
) -> None:
    nameserver.publish(NAME, b"a key")
    nameserver.silent |= {"s1._domainkey.elsewhere.test.", "s1._domainkey.riverside.test."}
    asking = Dns({"greenfield.test", "riverside.test"}, altogether=1.5)
    for name in ("s1._domainkey.elsewhere.test.", "s1._domainkey.riverside.test.") * 3:
        with pytest.raises(Rejected):
            asking.texts(name)
    assert asking.texts(NAME) == (b"a key",)


def test_silence_ends_after_some_time_and_altogether_nobody_waits_for_long(nameserver: NameServer) -> None:
    others = [f"s1._domainkey.{name}.test." for name in ("riverside", "elsewhere")]
    nameserver.silent |= {NAME, *others}
    asking, began = Dns(altogether=1.5), time.monotonic()
    for name in (NAME, NAME, others[0], others[0]):
        with pytest.raises(Rejected):
            asking.texts(name)
    assert 1.4 < time.monotonic() - began < 3
    asked = len(nameserver.asked)
    for name in (NAME, *others):
        with pytest.raises(Rejected, match="kept us waiting"):
            asking.texts(name)
    assert len(nameserver.asked) == asked
