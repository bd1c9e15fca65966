"""The original data is not retained (handbook section 4): no table, no free page, no log of the database has it."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy import make_url

from planit_mailer.adapters.sql.store import Store
from planit_mailer.domain.messages import Filed, MessageQuery, Outcome, Receipt
from tests.support import books
from tests.support.books import NOW, a_learner, a_reply, an_upload, apply, begin, facts
from tests.support.postgres import Postgres

DAY = timedelta(days=1)
KEEP = {Outcome.ACCEPTED: 14 * DAY, Outcome.HELD: 30 * DAY}


@pytest.fixture
def on_disk(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], bool]:
    """Whether a text stands anywhere in the database's files; on PostgreSQL in its tables' files, after a night."""
    if store._on_sqlite:
        return lambda text: any(text.encode() in path.read_bytes() for path in tmp_path.iterdir())
    server, name = request.getfixturevalue("postgresql"), str(store._url.database)

    def in_tables(text: str) -> bool:
        store.rewrite()
        server.checkpoint(name)
        return any(text.encode() in path.read_bytes() for path in server.files(name))

    return in_tables


def test_a_replaced_value_and_introduction_are_nowhere(store: Store, on_disk: Callable[[str], bool]) -> None:
    school = books.a_school(store)
    marked = [a_learner(f"A{n}", values=[f"MARKED {n} {field}" for field in range(75)]) for n in range(50)]
    apply(store, school, an_upload(*marked, introduction=("MARKED introduction",)))
    assert on_disk("MARKED 7 3")
    assert on_disk("MARKED introduction")

    apply(store, school, an_upload(*(a_learner(f"A{n}", values=("new",)) for n in range(50))))

    assert not on_disk("MARKED")


def test_a_replaced_name_is_nowhere(store: Store, on_disk: Callable[[str], bool]) -> None:
    school = books.a_school(store)
    apply(store, school, an_upload(a_learner("A1", first_name="MARKED")))

    apply(store, school, an_upload(a_learner("A1", first_name="Robin")))

    assert not on_disk("MARKED")


def test_a_replaced_name_is_not_in_postgresqls_statistics_either(postgresql: Postgres) -> None:
    url = postgresql.new_database()
    database = str(make_url(url).database)
    with closing(Store(url)) as store:
        school = books.a_school(store)
        apply(store, school, an_upload(*(a_learner(f"A{n}", first_name=f"MARKED {n}") for n in range(200))))
        postgresql.run(database, sql.SQL("ANALYZE"))  # as autovacuum does

        apply(store, school, an_upload(*(a_learner(f"A{n}", first_name=f"First {n}") for n in range(200))))
        store.rewrite()

    postgresql.checkpoint(database)
    assert [path.name for path in postgresql.files(database) if b"MARKED" in path.read_bytes()] == []


def test_where_another_user_owns_the_database_it_is_said_that_statistics_keep_old_values(
    postgresql: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_url(postgresql.new_database(tables=False))
    for statement in ("CREATE ROLE guest LOGIN", "GRANT ALL ON SCHEMA public TO guest"):
        postgresql.run(str(url.database), sql.SQL(statement))

    with closing(Store(url.set(username="guest").render_as_string())) as store:
        store.migrate()
        store.rewrite()

    assert "statistics" in "".join(capsys.readouterr())


@pytest.mark.parametrize("final", ["note_sent", "note_failed"])
def test_a_mail_is_nowhere_once_it_is_sent_or_has_failed(
    store: Store, on_disk: Callable[[str], bool], final: str
) -> None:
    with store.transaction() as transaction:
        transaction.enqueue(a_reply(content=b"MARKED " * 10_000), transaction.begin(books.waiting(), NOW, NOW), NOW)
    assert on_disk("MARKED")

    with store.transaction() as transaction:
        [pending] = transaction.due(NOW, 1)
        getattr(transaction, final)(pending, "250 OK", NOW)

    assert not on_disk("MARKED")


def test_what_a_process_left_that_died_is_forgotten_by_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'planit.db'}"
    dying, next_one = Store(url), Store(url)
    dying.prepare()
    school = books.a_school(dying)
    apply(dying, school, an_upload(a_learner("A1", values=("MARKED",))))
    dying.forget_pages = lambda: None  # type: ignore[method-assign]  as if it died right after its commit
    apply(dying, school, an_upload(a_learner("A1", values=("new",))))
    assert any(b"MARKED" in path.read_bytes() for path in tmp_path.iterdir())

    with next_one.transaction():
        pass

    assert not any(b"MARKED" in path.read_bytes() for path in tmp_path.iterdir())
    dying.close()
    next_one.close()


def test_a_reader_only_delays_forgetting(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'planit.db'}")
    store.prepare()
    school = books.a_school(store)
    apply(store, school, an_upload(a_learner("A1", values=("MARKED",))))

    with store.reading() as reading:
        reading.page("A1")
        apply(store, school, an_upload(a_learner("A1", values=("new",))))
    with store.transaction() as transaction:
        transaction.note_poll(NOW, success=True)

    assert not any(b"MARKED" in path.read_bytes() for path in tmp_path.iterdir())
    store.close()


# ── filed mail ──


def test_filed_mail_is_kept_for_its_time(store: Store) -> None:
    accepted = books.settled(store, Outcome.ACCEPTED, facts(), folder="Processed")
    held = books.settled(store, Outcome.HELD, folder="Held")
    begin(store)

    def forgettable(days: int) -> list[str]:
        with store.reading() as reading:
            return [filed.reference for filed in reading.forgettable(NOW + days * DAY, KEEP)]

    assert [forgettable(days) for days in (13, 14)] == [[], [accepted.reference]]
    assert forgettable(30) == [accepted.reference, held.reference]


def test_what_is_to_be_deleted_is_named_with_our_replies(store: Store) -> None:
    receipt, reply = books.settled(store, said=facts(), folder="Processed"), a_reply()
    with store.transaction() as transaction:
        transaction.enqueue(reply, receipt, NOW)

    with store.transaction() as transaction:
        [filed] = transaction.forgettable(NOW + 14 * DAY, KEEP)
        transaction.note_mail_deleted(filed, NOW + 14 * DAY)
        assert transaction.forgettable(NOW + 14 * DAY, KEEP) == ()

    assert filed == Filed(receipt.reference, "Processed", filed.query, (reply.message_id,))
    assert filed.query == MessageQuery(filed.query.digest, facts().message_id, 1000, NOW)
    assert len(filed.query.digest) == 64


def test_what_must_be_deleted_and_is_like_another_that_is_kept_says_so(store: Store) -> None:
    """The bytes of a message that came later were noted first: it had to wait, or somebody copied it into the inbox."""
    first, second = begin(store), begin(store)
    for receipt in (books.match_bytes(store, second, "same"), books.match_bytes(store, first, "same")):
        with store.transaction() as transaction:
            transaction.settle(receipt, books.verdict(Outcome.HELD, None), (), NOW)
            transaction.note_filed(receipt, "Held", NOW)

    def refused(receipt: Receipt) -> list[bool]:
        with store.transaction() as transaction:
            transaction.refuse(receipt.reference, NOW)
            return [filed.ambiguous for filed in transaction.forgettable(NOW, KEEP)]

    assert refused(second) == [True]
    assert refused(first) == [False, False], "neither is kept"


def test_copies_of_an_answer_that_was_sent_by_a_clock_that_was_ahead_are_waited_for_no_longer(store: Store) -> None:
    school = books.a_school(store)
    receipt = books.match_bytes(store, begin(store), "raw")
    apply(store, school, an_upload(a_learner("A1")), receipt=receipt)
    with store.transaction() as transaction:
        transaction.enqueue(a_reply(), receipt, NOW)
        [pending] = transaction.due(NOW, 1)
        transaction.note_sent(pending, "250 OK", NOW + 99 * DAY)
    apply(store, school, an_upload(a_learner("A1", values=("later",))))

    with store.transaction() as transaction:
        [filed] = transaction.forgettable(NOW, {})
        transaction.note_mail_deleted(filed, NOW)
        story = transaction.story(filed.reference)
    assert story
    assert not story.superseded, "the relay has put its copies into the folder by now, and they were deleted as well"


def test_a_released_message_is_not_deleted_before_it_is_processed(store: Store) -> None:
    held = books.settled(store, Outcome.HELD, folder="Held")
    with store.transaction() as transaction:
        transaction.release(held.reference, NOW, NOW)

    with store.reading() as reading:
        assert reading.forgettable(NOW + 99 * DAY, KEEP) == ()


# ── receipts ──


def test_old_receipts_go_and_the_learners_page_stays(store: Store) -> None:
    school = books.a_school(store)
    apply(store, school, an_upload(a_learner("A1")))
    with store.transaction() as transaction:
        [filed] = transaction.forgettable(NOW + 14 * DAY, KEEP)
        transaction.note_mail_deleted(filed, NOW + 14 * DAY)

    with store.transaction() as transaction:
        assert transaction.purge_receipts(NOW + 14 * DAY) == 0
        assert transaction.purge_receipts(NOW + 15 * DAY) == 1

    with store.reading() as reading:
        page = reading.page("A1")
        assert reading.story(filed.reference) is None
    assert page
    assert page.reference == f"{filed.reference}/1"
    later = begin(store)
    [changes] = apply(store, school, an_upload(a_learner("A1", values=("later",))), receipt=later)
    assert changes.passed_over == 0


def test_a_receipt_whose_mail_lies_somewhere_or_whose_answer_waits_stays(store: Store) -> None:
    books.settled(store)
    waits = books.settled(store)
    with store.transaction() as transaction:
        transaction.enqueue(a_reply(), waits, NOW)
        [_, filed] = transaction.forgettable(NOW + 14 * DAY, KEEP)
        transaction.note_mail_deleted(filed, NOW)

    with store.transaction() as transaction:
        assert transaction.purge_receipts(NOW + 999 * DAY) == 0
