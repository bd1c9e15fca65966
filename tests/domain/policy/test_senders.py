import pytest

from planit_mailer.core.errors import ConfigError, Refused
from planit_mailer.domain.messages import Sender
from planit_mailer.domain.policy import senders
from planit_mailer.domain.schools import School
from planit_mailer.mail import messages
from planit_mailer.mail.authentication_results import Trust
from tests.support.builders import an_email, with_header


def believed(sender: str, unauthenticated: str = "accept", *, released: bool = False) -> Sender:
    message = messages.parse(with_header(b"To: data@s-cool.test\r\n\r\nx", f"From: {sender}"))
    return senders.authenticate(message, Trust(unauthenticated), released=released)


def test_a_single_from_address_is_believed_where_that_is_configured() -> None:
    assert believed("Jo <Office@Greenfield.Test>") == Sender(
        "office@greenfield.test", authentic=True, why='senders.unauthenticated = "accept"'
    )


def test_otherwise_nobody_vouches_for_it() -> None:
    sender = believed("office@greenfield.test", "quarantine")
    assert (sender.address, sender.authentic) == ("office@greenfield.test", False)
    assert "vouches" in sender.why


@pytest.mark.parametrize("unauthenticated", ["accept", "quarantine"])
@pytest.mark.parametrize(
    ("value", "address", "why"),
    [
        ("a@greenfield.test, b@elsewhere.test", "", "several From"),
        ("", "", "no From"),
        ("nobody", "", "written to"),
        ('"head@greenfield.test" <b@elsewhere.test>', "b@elsewhere.test", "display name"),
        ("head@greenfield.test <b@elsewhere.test>", "b@elsewhere.test", "display name"),
        ('"Head (head@greenfield.test)" <b@elsewhere.test>', "b@elsewhere.test", "display name"),
        ("=?utf-8?q?head=40greenfield.test?= <b@elsewhere.test>", "b@elsewhere.test", "display name"),
        ("head\uff20greenfield.test <b@elsewhere.test>", "b@elsewhere.test", "display name"),
        ("b@elsewhere.test (head@greenfield.test)", "b@elsewhere.test", "display name"),
        ("b@xn--\u00ff.test", "b@xn--\u00ff.test", "written to"),
        ("b@-greenfield.test", "b@-greenfield.test", "written to"),
        ("b@green_field.test", "b@green_field.test", "written to"),
        ("b@stra\u00dfe_.test", "b@stra\u00dfe_.test", "written to"),
        ("b@\uff47reenfield.test", "b@\uff47reenfield.test", "written to"),
        ("b@" + "x" * 64 + ".test", "b@" + "x" * 64 + ".test", "written to"),
        ("b@" + "x." * 150 + "test", "b@" + "x." * 150 + "test", "written to"),
        ("b@" + "x." * 200 + "test", "", "written to"),
        ("jos\u00e9@greenfield.test", "jos\u00e9@greenfield.test", "written to"),
    ],
)
def test_never_authentic(value: str, address: str, why: str, unauthenticated: str) -> None:
    sender = believed(value, unauthenticated)
    assert (sender.address, sender.authentic) == (address, False)
    assert why in sender.why


@pytest.mark.parametrize(
    "value",
    [
        '"office@greenfield.test" <office@greenfield.test>',
        "Office@Greenfield.test <office@greenfield.test>",
        "'office@greenfield.test' <office@greenfield.test>",
        "Jo @ Greenfield <office@greenfield.test>",
        "Jo (@jo) <office@greenfield.test>",
    ],
)
def test_a_name_that_repeats_the_address_or_holds_none_is_fine(value: str) -> None:
    assert believed(value).authentic


def test_a_second_from_header_makes_two() -> None:
    message = messages.parse(with_header(an_email(), "From: other@elsewhere.test"))
    assert not senders.authenticate(message, Trust("accept"), released=False).authentic


def test_an_international_domain_is_written_one_way() -> None:
    assert believed("b@B\u00dcCHER.test").address == "b@xn--bcher-kva.test"
    assert believed("b@xn--bcher-kva.test").address == "b@xn--bcher-kva.test"


def test_a_domain_that_only_old_idna_takes_for_another_is_not_that_one() -> None:
    assert believed("b@stra\u00dfe.test").address == "b@xn--strae-oqa.test"


def test_the_operator_can_vouch_for_a_message_but_not_for_two_senders() -> None:
    assert believed('"head@greenfield.test" <b@elsewhere.test>', "quarantine", released=True).authentic
    assert not believed("a@greenfield.test, b@elsewhere.test", "quarantine", released=True).authentic


def a_school(number: int, name: str, postcode: str) -> School:
    return School(number, str(number), name, postcode)


def test_the_postcode_says_which_school_and_the_name_where_several_share_it() -> None:
    upper = a_school(1, "St Mary's Upper School", "ZZ9 9ZZ")
    lower = a_school(2, "St Mary's Lower School", "zz99zz")
    other = a_school(3, "Greenfield", "ZZ1 1ZZ")
    trust = (upper, lower, other)
    assert senders.school_for("zz1 1zz", "Something else", trust) == other
    assert senders.school_for("ZZ99ZZ", "ST MARYS LOWER SCHOOL", trust) == lower
    assert senders.school_for("ZZ9 9ZZ", "St Mary's", trust) is None
    assert senders.school_for("ZZ2 2ZZ", "Greenfield", trust) is None
    assert senders.school_for("ZZ9 9ZZ", "x", ()) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" Office@Greenfield.sch.uk ", "office@greenfield.sch.uk"),
        ("greenfield.sch.uk", "greenfield.sch.uk"),
        ("@Greenfield.sch.uk", "greenfield.sch.uk"),
        ("jo@gmail.com", "jo@gmail.com"),
        ("b\u00fccher.test", "xn--bcher-kva.test"),
        ("live.greenfield.sch.uk", "live.greenfield.sch.uk"),
        ("greenfield.onmicrosoft.com", "greenfield.onmicrosoft.com"),
    ],
)
def test_a_sender_is_an_address_or_exactly_one_domain(text: str, value: str) -> None:
    assert senders.sender_value(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "@", "office@", "office", "*.sch.uk", "a@b@c.test", "Jo <jo@a.test>", "a.test, b.test", "a..test", "-a.test"],
)
def test_anything_else_is_a_mistake_of_the_command(text: str) -> None:
    with pytest.raises(ConfigError, match=r"address"):
        senders.sender_value(text)


@pytest.mark.parametrize(
    "text",
    [
        "gmail.com",
        "@GMAIL.com",
        "outlook.com",
        "yahoo.co.uk",
        "yahoo.fr",
        "hotmail.co.uk",
        "live.co.uk",
        "btinternet.com",
        "proton.me",
        "icloud.com",
    ],
)
def test_a_public_mail_domain_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="Anybody"):
        senders.sender_value(text)
