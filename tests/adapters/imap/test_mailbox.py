import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from imapclient import IMAPClient

from planit_mailer.adapters.imap import commands
from planit_mailer.adapters.imap import connection as imap_connection
from planit_mailer.adapters.imap.mailbox import Mailbox, open_mailbox
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core import config
from planit_mailer.core.errors import LoginRefused, Rejected, Unavailable
from planit_mailer.domain.messages import InboxMessage, Key, MessageQuery
from tests.support import proxy as proxies
from tests.support.builders import SCHOOL, an_email
from tests.support.mailservers import DovecotPost, a_mailbox

LIMIT = 25_000_000


@pytest.fixture
def mailbox(post: MailServers) -> Iterator[Mailbox]:
    with open_mailbox(a_mailbox(post)) as mailbox:
        yield mailbox


def send(post: MailServers, *subjects: str, body: str = "Here it is.\n") -> None:
    for subject in subjects:
        raw = an_email(subject=subject, body=body, headers=[("Message-ID", f"<{subject}@greenfield.test>")])
        post.send(raw, SCHOOL, post.address)


def subjects(mailbox: Mailbox) -> list[str]:
    found = [mailbox.fetch(waiting, LIMIT) for waiting in mailbox.waiting()]
    return [line[9:].decode() for f in found if f for line in f.raw.split(b"\r\n") if line.startswith(b"Subject: ")]


def digest_of(mailbox: Mailbox, waiting: InboxMessage, limit: int = LIMIT) -> str:
    fetched = mailbox.fetch(waiting, limit)
    assert fetched
    return hashlib.sha256(fetched.raw).hexdigest()


# ── listing and fetching ──


def test_messages_wait_in_the_order_of_their_arrival(post: MailServers, mailbox: Mailbox) -> None:
    assert mailbox.waiting() == ()
    send(post, "one", "two", "three")
    waiting = mailbox.waiting()
    assert [w.key.uid for w in waiting] == sorted(w.key.uid for w in waiting)
    assert subjects(mailbox) == ["one", "two", "three"]
    assert all(abs(w.received_at - datetime.now(UTC)) < timedelta(minutes=1) for w in waiting)


def test_the_bytes_are_those_that_were_sent_below_what_mail_servers_added(post: MailServers, mailbox: Mailbox) -> None:
    raw = an_email(attachments=[("grades.xlsx", bytes(range(256)) * 100)])
    post.send(raw, SCHOOL, post.address)
    (waiting,) = mailbox.waiting()
    fetched = mailbox.fetch(waiting, LIMIT)
    assert fetched
    assert fetched.whole
    assert fetched.raw.endswith(raw)
    assert fetched.raw.startswith(b"Return-Path: <office@greenfield.test>")
    assert len(fetched.raw) == waiting.size


def test_fetching_leaves_no_trace(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        mailbox.fetch(mailbox.waiting()[0], LIMIT)
        assert not mailbox._client.search("SEEN")  # type: ignore[union-attr]


def test_a_big_message_comes_in_pieces_and_whole(post: MailServers, mailbox: Mailbox) -> None:
    body = "".join(f"line {n} {'x' * 60}\r\n" for n in range(60_000))
    send(post, "big", body=body)
    (waiting,) = mailbox.waiting()
    fetched = mailbox.fetch(waiting, LIMIT)
    assert fetched
    assert len(fetched.raw) == waiting.size > 4 * commands.CHUNK
    assert b"line 59999 " in fetched.raw


def test_of_a_message_beyond_the_limit_only_the_header_comes(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "big", body="x" * 900 + "\r\n" + "end of body\r\n")
    fetched = mailbox.fetch(mailbox.waiting()[0], 500)
    assert fetched
    assert not fetched.whole
    assert b"Subject: big" in fetched.raw
    assert b"end of body" not in fetched.raw


def test_a_size_that_lies_does_not_pass_the_limit(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "big", body="".join(f"{n} {'x' * 70}\r\n" for n in range(30_000)))
    (waiting,) = mailbox.waiting()
    small = InboxMessage(waiting.key, 10, waiting.received_at)
    fetched = mailbox.fetch(small, 1_500_000)
    assert fetched
    assert not fetched.whole
    fetched = mailbox.fetch(small, LIMIT)
    assert fetched
    assert fetched.whole
    assert len(fetched.raw) == waiting.size


def test_a_message_that_vanished_is_none_and_needs_no_filing(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "one")
    (waiting,) = mailbox.waiting()
    with open_mailbox(a_mailbox(post)) as another:
        another.file(waiting.key, "Elsewhere")
    mailbox.look()
    assert mailbox.fetch(waiting, LIMIT) is None
    assert mailbox.fetch(waiting, 1) is None
    mailbox.file(waiting.key, "Processed")
    assert mailbox.waiting() == ()


def test_a_message_that_vanishes_under_our_hands_is_none(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        (waiting,) = mailbox.waiting()
        with open_mailbox(a_mailbox(dovecot_post)) as another:
            another.file(waiting.key, "Elsewhere")
        assert mailbox.fetch(waiting, LIMIT) is None


def test_a_huge_inbox_is_listed_in_pieces(post: MailServers, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "WINDOW", 3)
    monkeypatch.setattr(commands, "BATCH", 2)
    send(post, *(f"n{n}" for n in range(10)))
    assert subjects(mailbox) == [f"n{n}" for n in range(10)]
    mailbox.file(mailbox.waiting()[4].key, "Processed")
    assert len(mailbox.waiting()) == 9


# ── filing ──


def test_a_message_is_filed_into_a_folder_that_is_made_for_it(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "one", "two")
    mailbox.file(mailbox.waiting()[0].key, "Processed")
    assert subjects(mailbox) == ["two"]
    with open_mailbox(a_mailbox(post, folder="Processed")) as processed:
        assert subjects(processed) == ["one"]


def test_messages_are_counted_by_folder(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "one", "two", "three")
    mailbox.file(mailbox.waiting()[0].key, "Processed")
    assert [mailbox.count(name) for name in ("INBOX", "Processed", "Nowhere")] == [2, 1, 0]
    assert [post.folder(name) for name in ("INBOX", "Processed", "Nowhere")] == [2, 1, 0]


def test_filing_twice_does_nothing_the_second_time(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "one")
    key = mailbox.waiting()[0].key
    mailbox.file(key, "Processed")
    mailbox.file(key, "Processed")
    with open_mailbox(a_mailbox(post, folder="Processed")) as processed:
        assert len(processed.waiting()) == 1


def test_a_message_that_another_daemon_has_filed_is_filed_already(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one", "two")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox, open_mailbox(a_mailbox(dovecot_post)) as another:
        one, two = mailbox.waiting()
        another.waiting()
        assert mailbox.file(one.key, "Processed")
        assert mailbox.file(two.key, "Processed")
        assert not another.file(one.key, "Processed")
        assert not another.file(two.key, "Elsewhere")
    assert [dovecot_post.folder(name) for name in ("INBOX", "Processed", "Elsewhere")] == [0, 2, 0]


def test_folders_are_made_once_with_any_name(post: MailServers, mailbox: Mailbox) -> None:
    names = ["Processed", "Held for you", "Zurückgewiesen & Co", "Processed"]
    mailbox.ensure_folders(names)
    mailbox.ensure_folders(names)
    send(post, "one")
    mailbox.file(mailbox.waiting()[0].key, "Zurückgewiesen & Co")
    with open_mailbox(a_mailbox(post, folder="Zurückgewiesen & Co")) as filed:
        assert subjects(filed) == ["one"]


def test_without_move_a_message_is_copied_and_only_it_is_expunged(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one", "marked by somebody")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        client = mailbox._client
        assert client
        one, marked = mailbox.waiting()
        client.add_flags([marked.key.uid], [commands.DELETED], silent=True)
        client._cached_capabilities = tuple(c for c in client.capabilities() if c != b"MOVE")
        mailbox.file(one.key, "Processed")
        assert subjects(mailbox) == ["marked by somebody"]
    with open_mailbox(a_mailbox(dovecot_post, folder="Processed")) as processed:
        assert subjects(processed) == ["one"]


def test_without_move_and_uidplus_a_message_stays_where_it_is(
    dovecot_post: DovecotPost, capsys: pytest.CaptureFixture[str]
) -> None:
    send(dovecot_post, "one", "two")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        client = mailbox._client
        assert client
        client._cached_capabilities = (b"IMAP4REV1",)
        for waiting in mailbox.waiting():
            mailbox.file(waiting.key, "Processed")
        assert subjects(mailbox) == ["one", "two"]
        digest = digest_of(mailbox, mailbox.waiting()[0])
        with pytest.raises(Unavailable, match="UIDPLUS"):
            mailbox.delete(("INBOX",), MessageQuery(digest, "<one@greenfield.test>"))
    out = "".join(capsys.readouterr())
    assert out.count("messages stay in the inbox") == 1


# ── bringing back, deleting ──


@pytest.mark.parametrize("message_id", ["<two@greenfield.test>", ""])
def test_a_message_is_brought_back_by_its_bytes(post: MailServers, mailbox: Mailbox, message_id: str) -> None:
    if message_id:
        send(post, "one", "two", "three")
    else:
        for subject in ("one", "two", "three"):
            lines = an_email(subject=subject).split(b"\r\n")
            post.send(b"\r\n".join(line for line in lines if not line.startswith(b"Message-ID")), SCHOOL, post.address)
    waiting = mailbox.waiting()
    digest = digest_of(mailbox, waiting[1])
    for w in waiting:
        mailbox.file(w.key, "Held")
    assert not mailbox.bring_back(("Held",), MessageQuery("0" * 64, message_id))
    assert mailbox.bring_back(("Held",), MessageQuery(digest, message_id))
    assert subjects(mailbox) == ["two"]
    assert not mailbox.bring_back(("Held",), MessageQuery(digest, message_id))
    assert mailbox.waiting()[0].key.uid > waiting[2].key.uid


def test_a_message_of_which_only_the_header_was_read_is_found_by_that(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "big", body="x" * 900 + "\r\n")
    (waiting,) = mailbox.waiting()
    digest = digest_of(mailbox, waiting, limit=100)
    mailbox.file(waiting.key, "Rejected")
    assert mailbox.bring_back(("Rejected",), MessageQuery(digest, "<big@greenfield.test>"))


def test_a_message_whose_message_id_was_never_read_is_brought_back_by_its_bytes(
    post: MailServers, mailbox: Mailbox
) -> None:
    send(post, "one", "two", "three")
    waiting = mailbox.waiting()
    digest = digest_of(mailbox, waiting[1])
    for w in waiting:
        mailbox.file(w.key, "Quarantine")
    assert mailbox.bring_back(("Quarantine",), MessageQuery(digest, ""))
    assert subjects(mailbox) == ["two"]


def test_nothing_is_brought_back_from_a_folder_that_is_not_there(mailbox: Mailbox) -> None:
    assert not mailbox.bring_back(("Nowhere",), MessageQuery("0" * 64, "<one@greenfield.test>"))
    assert not mailbox.delete(("Nowhere",), MessageQuery("0" * 64, ""))


def test_of_two_messages_with_one_message_id_the_right_one_is_deleted_in_every_copy(
    post: MailServers, mailbox: Mailbox
) -> None:
    send(post, "same", body="this one\n")
    send(post, "same", body="another\n")
    first, second = mailbox.waiting()
    digest = digest_of(mailbox, first)
    mailbox.file(first.key, "Processed")
    mailbox.file(second.key, "Processed")
    assert mailbox.delete(("Processed",), MessageQuery(digest, "<same@greenfield.test>"))
    assert not mailbox.delete(("Processed",), MessageQuery(digest, "<same@greenfield.test>"))
    with open_mailbox(a_mailbox(post, folder="Processed")) as processed:
        assert len(processed.waiting()) == 1


def test_a_deleted_message_is_on_no_disk_any_more(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one", body="a learner's secret\n")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        (waiting,) = mailbox.waiting()
        digest = digest_of(mailbox, waiting)
        mailbox.file(waiting.key, "Processed")
        mailbox.delete(("Processed",), MessageQuery(digest, "<one@greenfield.test>"))
    files = [path for path in dovecot_post.server.folder(dovecot_post.address).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"a learner's secret" in path.read_bytes()]


def test_on_gmail_a_message_is_deleted_by_way_of_the_bin(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one", "two")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        client = mailbox._client
        assert client
        mailbox.ensure_folders(["Processed", "Bin"])
        one, two = mailbox.waiting()
        digest = digest_of(mailbox, one)
        mailbox.file(one.key, "Processed")
        mailbox.file(two.key, "Bin")  # a message of somebody else's, which has to stay
        as_gmail(mailbox)
        moved: list[str] = []
        move = client.move
        # On Gmail a message is deleted by moving it to the bin.
        client.move = lambda uids, folder: (moved.append(folder), move(uids, folder))

        assert mailbox.delete(("Processed",), MessageQuery(digest, "<one@greenfield.test>"))

        assert moved == ["Bin"]
        assert (mailbox.count("Processed"), mailbox.count("Bin")) == (0, 1)


def test_on_gmail_what_a_cut_connection_left_in_the_bin_is_deleted_the_next_time(
    dovecot_post: DovecotPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reset(_client: IMAPClient, _uid: int) -> None:
        raise ConnectionResetError("reset")

    send(dovecot_post, "one", "two")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        mailbox.ensure_folders(["Processed", "Bin"])
        one, two = mailbox.waiting()
        sought = MessageQuery(digest_of(mailbox, one), "<one@greenfield.test>")
        mailbox.file(one.key, "Processed")
        mailbox.file(two.key, "Bin")
        as_gmail(mailbox)
        with monkeypatch.context() as patch:
            patch.setattr(commands, "expunge", reset)
            with pytest.raises(Unavailable, match='folder "Bin": reset'):
                mailbox.delete(("Processed",), sought)
    assert [dovecot_post.folder(name) for name in ("Processed", "Bin")] == [0, 2]

    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        as_gmail(mailbox)
        assert mailbox.delete(("Processed",), sought)
        assert not mailbox.delete(("Processed",), sought)
    assert dovecot_post.folder("Bin") == 1, "somebody else's"


def as_gmail(mailbox: Mailbox) -> None:
    """Let the client take the server for Gmail, whose folders are labels."""
    assert mailbox._client
    mailbox._client._cached_capabilities = (*mailbox._client.capabilities(), b"X-GM-EXT-1")


def test_a_gmail_that_hides_its_bin_says_what_to_set(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        [one] = mailbox.waiting()
        digest = digest_of(mailbox, one)
        as_gmail(mailbox)
        with pytest.raises(Unavailable, match="Bin"):
            mailbox.delete(("INBOX",), MessageQuery(digest, "<one@greenfield.test>"))
    with open_mailbox(a_mailbox(dovecot_post)) as again:
        assert subjects(again) == ["one"]


def test_messages_are_deleted_by_message_id_alone_and_only_these(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "one", "one", "none", "more-one")
    assert mailbox.delete_by_id("INBOX", "<one@greenfield.test>")
    assert subjects(mailbox) == ["none", "more-one"]
    assert not mailbox.delete_by_id("INBOX", "<one@greenfield.test>")
    assert not mailbox.delete_by_id("INBOX", "")


# ── waiting for mail ──


def test_idle_ends_when_mail_comes(post: MailServers, mailbox: Mailbox) -> None:
    threading.Timer(0.2, send, (post, "one")).start()
    began = time.monotonic()
    assert mailbox.idle(20)
    assert time.monotonic() - began < 10
    assert subjects(mailbox) == ["one"]


def test_idle_ends_in_time_when_none_comes(mailbox: Mailbox) -> None:
    began = time.monotonic()
    assert not mailbox.idle(0.5)
    assert 0.4 < time.monotonic() - began < 5


@pytest.mark.parametrize("knows_idle", [True, False])
def test_who_waits_for_mail_is_told_to_stop_and_does(
    post: MailServers, monkeypatch: pytest.MonkeyPatch, *, knows_idle: bool
) -> None:
    if not knows_idle:
        monkeypatch.setattr(IMAPClient, "has_capability", lambda _client, _capability: False)
    stop = threading.Event()
    with open_mailbox(a_mailbox(post)) as mailbox:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        assert not mailbox.idle(20, stop.is_set)
        assert 0.2 <= time.monotonic() - began < 10
        assert mailbox.waiting() == (), "the connection is as good as before"


def test_mail_that_came_while_we_were_busy_ends_idle_at_once(post: MailServers, mailbox: Mailbox) -> None:
    mailbox.waiting()
    send(post, "one")
    with open_mailbox(a_mailbox(post)):
        began = time.monotonic()
        assert mailbox.idle(20)
    assert time.monotonic() - began < 5


def test_mail_that_came_before_another_message_was_looked_for_ends_idle_at_once(
    post: MailServers, mailbox: Mailbox
) -> None:
    send(post, "one")
    [one] = mailbox.waiting()
    send(post, "two")
    assert mailbox.holds(one.key)
    began = time.monotonic()
    assert mailbox.idle(20)
    assert time.monotonic() - began < 5


def test_mail_that_was_listed_between_two_messages_does_not_end_idle_again(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "one")
    [one] = mailbox.waiting()
    send(post, "two")
    [two] = mailbox.arrived_after(one.key) or mailbox.arrived_after(one.key)
    assert mailbox.arrived_after(two.key) == ()
    assert not mailbox.idle(0.3)


# ── when things go wrong ──


def test_a_wrong_password_is_said_in_the_servers_words(post: MailServers) -> None:
    with (
        pytest.raises(Unavailable, match=rf"^the mailbox refused the login of {post.address}: .*[Aa]uth") as caught,
        open_mailbox(a_mailbox(post, password="wrong")),
    ):
        pass
    assert "wrong" not in str(caught.value)
    assert "b'" not in str(caught.value)


def test_a_password_may_have_any_characters(post: MailServers) -> None:
    with pytest.raises(Unavailable, match="refused the login"), open_mailbox(a_mailbox(post, password="pässwörd €")):
        pass


def test_a_missing_inbox_is_named(post: MailServers) -> None:
    with pytest.raises(Unavailable, match='folder "Nowhere"'), open_mailbox(a_mailbox(post, folder="Nowhere")):
        pass


def test_missing_rights_to_a_folder_are_said_in_the_servers_words(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        mailbox.ensure_folders(["Processed"])
        waiting = mailbox.waiting()
    acl = dovecot_post.server.folder(dovecot_post.address, "Processed") / "dovecot-acl"
    acl.write_text("owner lr\n")
    with (
        open_mailbox(a_mailbox(dovecot_post)) as mailbox,
        pytest.raises(Unavailable, match=r'folder "Processed": .*Permission denied'),
    ):
        mailbox.file(waiting[0].key, "Processed")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        assert mailbox.waiting() == waiting


def test_a_folder_that_may_not_be_made_is_said_in_the_servers_words(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one")
    home = dovecot_post.server.folder(dovecot_post.address)
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        home.chmod(0o500)
        with pytest.raises(Unavailable, match=r'did not make the folder "Processed": create failed: \[.+\]'):
            mailbox.ensure_folders(["Processed"])
    home.chmod(0o700)


def test_nobody_listening_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = config.Mailbox(host="127.0.0.1", port=port, security="none", username="x", password="x")
    with (
        pytest.raises(Unavailable, match=f"the mailbox at 127.0.0.1:{port} is away: .*refused"),
        open_mailbox(settings),
    ):
        pass


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_encrypted_mailbox_whose_certificate_is_trusted_is_opened(dovecot_post: DovecotPost, security: str) -> None:
    send(dovecot_post, "one")
    with open_mailbox(encrypted(dovecot_post, security)) as mailbox:
        assert subjects(mailbox) == ["one"]
        threading.Timer(0.2, send, (dovecot_post, "two")).start()
        assert mailbox.idle(20)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_nobody_we_trust_is_refused(dovecot_post: DovecotPost, security: str) -> None:
    with pytest.raises(Unavailable, match="certificate"), open_mailbox(encrypted(dovecot_post, security)):
        pass


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_another_host_is_refused(dovecot_post: DovecotPost, security: str) -> None:
    settings = encrypted(dovecot_post, security, host="127.0.0.1")
    with pytest.raises(Unavailable, match="certificate"), open_mailbox(settings):
        pass


def encrypted(post: DovecotPost, security: str, host: str = "localhost") -> config.Mailbox:
    port = post.server.imaps_port if security == "tls" else post.server.imap_port
    return a_mailbox(post, host=host, port=port, security=security)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_without_encryption_is_not_talked_to(post: MailServers, security: str) -> None:
    with pytest.raises(Unavailable, match="is away"), open_mailbox(a_mailbox(post, security=security)):
        pass


def test_after_a_failure_the_connection_is_never_used_again(post: MailServers, mailbox: Mailbox) -> None:
    send(post, "one")
    (waiting,) = mailbox.waiting()
    with pytest.raises(Unavailable, match="UIDVALIDITY"):
        mailbox.fetch(InboxMessage(Key(1, waiting.key.uid), waiting.size, waiting.received_at), LIMIT)
    assert mailbox.fetch(waiting, LIMIT)
    mailbox._client.shutdown()  # type: ignore[union-attr]
    for _ in range(2):
        with pytest.raises(Unavailable):
            mailbox.waiting()
    assert mailbox._client is None


def test_a_mailbox_that_was_rebuilt_is_noticed(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        (before,) = mailbox.waiting()
    rebuild(dovecot_post, before.key.uidvalidity)
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        (after,) = mailbox.waiting()
        assert (after.key.uid, after.key.uidvalidity) == (before.key.uid, before.key.uidvalidity + 1)
        with pytest.raises(Unavailable, match="rebuilt"):
            mailbox.file(before.key, "Processed")
        assert mailbox.waiting() == (after,)


def rebuild(post: DovecotPost, uidvalidity: int) -> None:
    """Give the inbox another UIDVALIDITY with the same messages, as a restored backup does."""
    home = post.server.folder(post.address)
    uids = home / "dovecot-uidlist"
    uids.write_text(uids.read_text().replace(f"V{uidvalidity}", f"V{uidvalidity + 1}"))
    for index in home.glob("dovecot.index*"):
        index.unlink()


# ── servers that misbehave ──


class Scripted(threading.Thread):
    """A server that answers each line of its client with the next line of a script. {tag} is the client's tag."""

    def __init__(self, server: socket.socket, script: list[str]) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.script = script

    def run(self) -> None:
        connection, _ = self.server.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"* OK ready\r\n")
            for answer in self.script:
                tag, command, *_ = (lines.readline() + b" x").decode().split()
                while command == "CAPABILITY":
                    connection.sendall(f"* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS\r\n{tag} OK done\r\n".encode())
                    tag, command, *_ = (lines.readline() + b" x").decode().split()
                if answer == "RESET":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return
                connection.sendall(answer.format(tag=tag).replace("\n", "\r\n").encode())


LOGGED_IN = "{tag} OK done\n"
THERE = "* SEARCH 5\n{tag} OK done\n"
SELECTED = "* 1 EXISTS\n* OK [UIDVALIDITY 7] x\n* OK [UIDNEXT 9] x\n{tag} OK [READ-WRITE] x\n"


@contextmanager
def scripted(*answers: str) -> Iterator[config.Mailbox]:
    """The settings of a mailbox on a server that answers login and selection, and then follows the script."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Scripted(server, [LOGGED_IN, SELECTED, *answers]).start()
        port = server.getsockname()[1]
        yield config.Mailbox(host="127.0.0.1", port=port, security="none", username="x", password="x")


@pytest.mark.parametrize(
    "answer",
    ["RESET", "* BYE shutting down\n", "what?\n", "* SEARCH 1 2 x\n{tag} OK done\n", "{tag} BAD no\n", ""],
    ids=["reset", "bye", "nonsense", "broken search", "bad", "silence and end"],
)
def test_whatever_a_server_does_is_unavailable(answer: str) -> None:
    with scripted(SELECTED, answer) as settings, open_mailbox(settings) as mailbox:
        with pytest.raises(Unavailable, match="did not list its messages"):
            mailbox.waiting()
        with pytest.raises(Unavailable, match="closed"):
            mailbox.waiting()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("{tag} NO [AUTHENTICATIONFAILED] no\n", LoginRefused), ("{tag} NO [UNAVAILABLE] later\n", Unavailable)],
)
def test_a_login_that_is_refused_is_told_from_a_server_that_cannot_look_it_up(
    answer: str, kind: type[Unavailable]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Scripted(server, [answer]).start()
        settings = config.Mailbox(
            host="127.0.0.1", port=server.getsockname()[1], security="none", username="x", password="x"
        )
        with pytest.raises(Unavailable, match=r"no|later") as caught, open_mailbox(settings):
            pass
    assert type(caught.value) is kind


@pytest.mark.parametrize("answer", ["+ idling\n* BYE idle for too long\n", "+ idling\n", "RESET"])
def test_a_connection_that_dies_in_idle_is_noticed_at_once(answer: str) -> None:
    began = time.monotonic()
    with (
        scripted(SELECTED, answer) as settings,
        open_mailbox(settings) as mailbox,
        pytest.raises(Unavailable, match="waiting for mail"),
    ):
        mailbox.idle(30)
    assert time.monotonic() - began < 5


STILL_HERE = b"* OK Still here\r\n"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (b"", STILL_HERE),
        (b"LOGIN", STILL_HERE),
        (b"SEARCH", STILL_HERE),
        (b"SEARCH", b"* 1 FETCH (X {999999999}\r\n" + b"x" * 9_000),
    ],
    ids=["at the greeting", "at the login", "in the listing", "in one endless thing"],
)
def test_a_server_that_never_comes_to_the_end_of_its_answer_is_left(
    monkeypatch: pytest.MonkeyPatch, at: bytes, said: bytes
) -> None:
    monkeypatch.setattr(imap_connection, "ANSWER", 0.2)
    with talking(at, said) as settings, pytest.raises(Unavailable, match=r"no end within 0.2 seconds"):  # noqa: SIM117
        with open_mailbox(settings) as mailbox:
            mailbox.waiting()


def test_a_slow_line_has_time_for_each_piece_of_a_message(
    dovecot_post: DovecotPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_connection, "ANSWER", 0.5)
    send(dovecot_post, "big", body="".join(f"{n} {'x' * 70}\r\n" for n in range(60_000)))
    with proxies.before(dovecot_post.imap_port) as proxy:
        dovecot_post.imap_port = proxy.port
        with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
            (waiting,) = mailbox.waiting()
            began = time.monotonic()
            proxy.hear = lambda said: time.sleep(0.2 if b"FETCH" in said else 0) or said  # type: ignore[func-returns-value]
            fetched = mailbox.fetch(waiting, LIMIT)
    assert fetched
    assert len(fetched.raw) == waiting.size
    assert time.monotonic() - began > 0.5


@contextmanager
def talking(at: bytes, said: bytes) -> Iterator[config.Mailbox]:
    """The settings of a mailbox whose server repeats one answer for ever after this command; b"": from the start."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            if at:
                connection.sendall(b"* OK ready\r\n")
            for line in lines if at else ():
                tag, command = line.split()[:2]
                if at in line:
                    break
                told = SELECTED if command == b"SELECT" else LOGGED_IN
                capable = "* CAPABILITY IMAP4rev1\n" if command == b"CAPABILITY" else ""
                connection.sendall((capable + told).format(tag=tag.decode()).replace("\n", "\r\n").encode())
            while True:
                connection.sendall(said)
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield config.Mailbox(
            host="127.0.0.1", port=server.getsockname()[1], security="none", username="x", password="x"
        )


def test_a_message_without_a_date_that_can_be_read_came_just_now() -> None:
    listed = "* 1 FETCH (UID 5 RFC822.SIZE 10 INTERNALDATE {date})\n{{tag}} OK done\n"
    for date in ("NIL", '"31-Feb-2026 10:00:00 +0000"'):
        with scripted(SELECTED, THERE, listed.format(date=date)) as settings, open_mailbox(settings) as mailbox:
            (waiting,) = mailbox.waiting()
        assert (waiting.key, waiting.dated) == (Key(7, 5), False)
        assert abs(waiting.received_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_mailbox_says_whether_a_message_is_still_there(dovecot_post: DovecotPost) -> None:
    send(dovecot_post, "one")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        (waiting,) = mailbox.waiting()
        assert mailbox.holds(waiting.key)
        assert not mailbox.holds(replace(waiting.key, uidvalidity=waiting.key.uidvalidity + 1))
        mailbox.file(waiting.key, "Processed")
        assert not mailbox.holds(waiting.key)


def test_a_move_that_did_not_happen_is_not_believed() -> None:
    with (
        scripted(THERE, "{tag} OK moved\n", THERE) as settings,
        open_mailbox(settings) as mailbox,
        pytest.raises(Unavailable, match=r'folder "Processed".*but did not'),
    ):
        mailbox.file(Key(7, 5), "Processed")


def test_a_message_that_the_server_does_not_hand_out_is_left_and_the_connection_goes_on() -> None:
    refusal = "{tag} NO [SERVERBUG] cannot read message\n"
    then = (THERE, "{tag} OK moved\n", "* SEARCH\n{tag} OK done\n")
    with scripted(refusal, *then) as settings, open_mailbox(settings) as mailbox:
        with pytest.raises(Rejected, match=r"did not hand over a message: .*SERVERBUG"):
            mailbox.fetch(InboxMessage(Key(7, 5), 10, datetime.now(UTC)), LIMIT)
        assert mailbox.file(Key(7, 5), "Processed")


def test_a_changed_uidvalidity_after_selecting_again_is_unavailable() -> None:
    other = SELECTED.replace("UIDVALIDITY 7", "UIDVALIDITY 8")
    with scripted(other) as settings, open_mailbox(settings) as mailbox, pytest.raises(Unavailable, match="rebuilt"):
        mailbox.waiting()


LISTED = '* LIST () "/" Folder\n{tag} OK done\n'
NONE = "* SEARCH\n{tag} OK done\n"
SOUGHT = MessageQuery("0" * 64, "<a@b.test>", 1000)


def test_where_a_server_refuses_to_search_all_messages_are_compared() -> None:
    compared = (LISTED, SELECTED, NONE)
    with scripted(LISTED, SELECTED, "{tag} BAD no\n", *compared) as settings, open_mailbox(settings) as mailbox:
        assert not mailbox.delete(("Folder",), SOUGHT)


def test_a_folder_that_a_server_does_not_open_is_named_when_the_others_were_looked_at() -> None:
    refused, looked_at = (LISTED, "{tag} NO [NOPERM] no rights\n"), (LISTED, SELECTED, NONE)
    both = (*refused, *looked_at)
    with scripted(*both, *both, SELECTED, NONE) as settings, open_mailbox(settings) as mailbox:
        with pytest.raises(Rejected, match=r'delete a message from the folder "One": .*no rights'):
            mailbox.delete(("One", "Two"), SOUGHT)
        assert mailbox.waiting() == (), "the connection is as good as before"


@pytest.mark.parametrize("answer", ["RESET", "* BYE shutting down\n", "what?\n"])
def test_a_connection_that_breaks_in_a_deletion_is_unavailable_and_not_declined(answer: str) -> None:
    with scripted(LISTED, SELECTED, answer) as settings, open_mailbox(settings) as mailbox:
        with pytest.raises(Unavailable) as caught:
            mailbox.delete(("One", "Two"), SOUGHT)
        assert type(caught.value) is Unavailable
        assert mailbox._client is None


@pytest.mark.parametrize(
    "message_id", ['<a"b@c.test>', "<a\\b@c.test>", "<a{3}", "(", "", "<ä@c.test>", "<a\r\nb>", "x" * 2000]
)
def test_no_text_that_is_looked_for_breaks_a_command(dovecot_post: DovecotPost, message_id: str) -> None:
    send(dovecot_post, "one")
    with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
        assert mailbox.find("INBOX", message_id) is None
        assert not mailbox.delete(("INBOX",), MessageQuery("0" * 64, message_id))
        assert not mailbox.delete_by_id("INBOX", message_id)
        assert mailbox.find("INBOX", "<one@greenfield.test>")


def test_folders_may_be_called_anything(dovecot_post: DovecotPost) -> None:
    for name in ('a "b"', "a\\b", "a {3}", "{3+}", "(a)", "ä", "NIL"):
        send(dovecot_post, "one")
        with open_mailbox(a_mailbox(dovecot_post)) as mailbox:
            [one] = mailbox.waiting()
            sought = MessageQuery(digest_of(mailbox, one), "<one@greenfield.test>")
            mailbox.ensure_folders([name])
            mailbox.file(one.key, name)
            assert mailbox.count(name) == 1
            assert mailbox.delete((name,), sought)
            assert mailbox.count(name) == 0
