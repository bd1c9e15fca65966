"""doctor says what does not work, and what to do, and never a secret."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from planit_mailer.adapters.sandbox import parent
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import doctor, wiring
from planit_mailer.app.doctor import Finding
from planit_mailer.cli.demo import servers
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core.errors import ConfigError, LoginRefused, PlanitError, Unavailable
from tests.adapters.sandbox import jobs
from tests.support import books, world
from tests.support.builders import SERVICE, an_email, with_header
from tests.support.postgres import Postgres
from tests.support.world import World


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> World:
    return world.make(tmp_path, post)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[World]:
    """Where the kind of server does not matter."""
    with servers.running(SERVICE, "pw") as post:
        yield world.make(tmp_path, post)


def examined(service: World) -> list[Finding]:
    return list(doctor.examine(service.settings))


def failures(service: World) -> dict[str, type[PlanitError]]:
    return {finding.what: finding.failed for finding in examined(service) if finding.failed}


def test_where_all_is_well_each_thing_says_so_and_nothing_is_changed(service: World) -> None:
    (service.folder / "mailbox.password").chmod(0o600)
    told = service.ask("doctor")
    assert {one["state"] for one in told} == {"ok"}
    assert list(dict.fromkeys(one["what"] for one in told)) == [what for what, _, _ in doctor.CHECKS]
    assert service.replies() == []
    said = "\n".join(one["said"] for one in told)
    for part in ("at revision 0", "as data@s-cool.test by password", "MOVE", "Processed", "takes mail from"):
        assert part in said


def test_a_secret_file_that_others_can_read_is_a_warning_with_its_command(embedded: World) -> None:
    (embedded.folder / "mailbox.password").chmod(0o644)
    printed = embedded.verb("doctor")
    assert "warning" in printed
    assert f"→ Run: chmod 600 {embedded.folder}/mailbox.password" in printed


def test_what_the_kernel_lacks_to_confine_the_reading_process_is_a_warning(
    embedded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "COMMAND", jobs.command("confinement.forbid_paths = bool"))
    monkeypatch.setattr(wiring, "reader", lambda limits: Reader(limits.seconds.total_seconds(), limits.memory))

    [found] = [finding for finding in examined(embedded) if finding.what == "reading"]

    assert found.state == "warning"
    assert "lacks Landlock to confine it" in found.said
    assert "docs/security.md" in found.fix


def test_a_reading_process_that_does_not_start_is_a_failure(embedded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "COMMAND", "raise SystemExit(1)")
    monkeypatch.setattr(wiring, "reader", lambda limits: Reader(limits.seconds.total_seconds(), limits.memory))

    assert failures(embedded) == {"reading": Unavailable}


def test_with_nothing_trusted_and_nothing_accepted_doctor_fails(embedded: World) -> None:
    embedded.configure('unauthenticated = "accept"', 'unauthenticated = "quarantine"')
    printed = embedded.verb("doctor", expect=2)
    assert "every message waits for the operator" in printed
    assert "1 of " in printed


BROKEN = {
    "wrong password": ('password_file = "mailbox.password"', 'password_file = "wrong"', "mailbox", LoginRefused),
    "mailbox away": ("port = {imap}", "port = 1", "mailbox", Unavailable),
    "relay away": ("port = {smtp}", "port = 1", "relay", Unavailable),
    "no database": ("sqlite:///planit.db", "sqlite:////nowhere/at/all.db", "database", Unavailable),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_each_thing_that_does_not_work_is_named_with_a_fix_and_the_others_are_tried_all_the_same(
    embedded: World, broken: tuple[str, str, str, type[PlanitError]]
) -> None:
    old, new, what, kind = broken
    (embedded.folder / "wrong").write_text("wr0ng-password\n")
    old = old.format(imap=embedded.post.imap_port, smtp=embedded.post.smtp_port)
    embedded.configure(old, new)
    failed = [finding for finding in examined(embedded) if finding.failed]
    assert {finding.what for finding in failed} - {"clock"} == {what}
    assert failed[0].failed is kind
    assert all(finding.fix for finding in failed)
    assert {finding.what for finding in examined(embedded)} == {name for name, _, _ in doctor.CHECKS}
    printed = embedded.verb("doctor", expect=3)
    assert "wr0ng-password" not in printed
    assert f"failed   {what}" in printed


def test_wrong_configuration_exits_2_with_every_mistake(embedded: World) -> None:
    embedded.configure("operator =", "operater =")
    assert "service.operater: there is no such key" in embedded.verb("doctor", expect=2)


def test_a_postgresql_without_tables_says_migrate_and_its_password_is_not_shown(
    embedded: World, postgresql: Postgres
) -> None:
    url = postgresql.new_database(tables=False)
    embedded.configure("sqlite:///planit.db", url)
    assert failures(embedded)["database"] is ConfigError
    assert "run planit-mailer migrate" in embedded.verb("doctor", expect=2)
    secret = Store("postgresql+psycopg://me:s3cret-word@127.0.0.1:5432/planit")
    assert secret.name == "postgresql+psycopg://me:***@127.0.0.1:5432/planit"


def test_a_clock_that_was_set_back_is_noticed(embedded: World) -> None:
    with embedded.store() as store, store.transaction() as transaction:
        transaction.note_poll(datetime.now(UTC) + timedelta(hours=1), success=True)
    [finding] = [finding for finding in examined(embedded) if finding.failed]
    assert finding.what == "clock"
    assert "know of the future: the last poll" in finding.said
    assert "NTP" in finding.fix


def test_mail_from_the_future_shows_a_clock_that_is_late(embedded: World) -> None:
    with embedded.store() as store:
        books.begin(store, books.waiting(received_at=datetime.now(UTC) + timedelta(hours=1)))
    assert failures(embedded) == {"clock": ConfigError}


# ── doctor --probe ──


def test_a_probe_arrives_is_shown_and_leaves_nothing_behind(service: World) -> None:
    printed = service.verb("doctor", "--probe")
    assert "arrived after" in printed
    assert "no server stamped a verdict on it" in printed
    assert service.post.folder("INBOX") == 0


def test_a_probe_that_the_daemon_filed_meanwhile_is_found_in_its_folder(service: World) -> None:
    sent_at, message_id = doctor._send(service.settings)
    service.once()
    assert service.post.folder("INBOX") == 0
    header, arrived_at = doctor._wait(service.settings, message_id)
    assert b"planit_mailer: a probe" in header
    assert abs(arrived_at - sent_at) < timedelta(minutes=1)
    assert service.post.folder("Ignored") == 0


def test_a_probe_that_does_not_arrive_fails_in_time(embedded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "WITHIN", 0.5)
    monkeypatch.setattr(doctor, "LOOK_EVERY", 0.1)
    embedded.configure("<data@s-cool.test>", "<elsewhere@s-cool.test>")
    [finding] = doctor.probe(embedded.settings)
    assert finding.failed is Unavailable
    assert "did not arrive within" in finding.said


@pytest.mark.parametrize(
    ("stamp", "advice"),
    [
        ("mx.provider.example; dmarc=pass header.from=s-cool.test", "is of mx.provider.example:"),
        ("mx.provider.example 1; spf=pass", "is of mx.provider.example:"),
        ("spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=s-cool.test;dmarc=pass", "names no server"),
        ("", "names no server"),
    ],
)
def test_the_top_most_verdict_is_the_one_that_is_explained(stamp: str, advice: str) -> None:
    raw = with_header(an_email(), "Received: from a by b", f"Authentication-Results: {stamp}")
    below = with_header(an_email(), "Authentication-Results: forged.example; dmarc=pass")
    findings = list(doctor._stamps(raw.partition(b"\r\n\r\n")[0] + b"\r\n" + below))
    assert [f.said.partition(":")[0] for f in findings[:3]] == [
        "Received",
        "Authentication-Results",
        "Authentication-Results",
    ]
    assert advice in findings[-1].said


def test_json_is_one_document_with_the_state_of_everything(embedded: World) -> None:
    embedded.configure(f"port = {embedded.post.smtp_port}", "port = 1")
    result = subprocess.run(
        [sys.executable, "-m", "planit_mailer", "--config", str(embedded.config_file), "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(result.stdout)
    assert result.returncode == 3
    assert {"relay": "failed", "templates": "ok"}.items() <= {one["what"]: one["state"] for one in told}.items()
    assert "1 of " in result.stderr
