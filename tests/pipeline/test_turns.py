"""Whose message is next: schools take turns, strangers come after them, and what failed before comes last."""

from collections import Counter, defaultdict
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.domain.messages import InboxMessage, Key
from planit_mailer.pipeline import turns
from planit_mailer.pipeline.turns import Turns

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STRANGERS = None

some_groups = st.sampled_from([STRANGERS, 1, 2, 3, 4])
# What happens in a poll: a message arrives from a group, or (False) a message is taken.
happenings = st.lists(st.one_of(some_groups, st.just(False)), max_size=60)
registers = st.lists(st.tuples(st.sampled_from(["a@x", "b@x", "x", "c@y", "d@y", "y", "e@z"]), st.integers(1, 8)))


def message(uid: int) -> InboxMessage:
    return InboxMessage(Key(1, uid), 1000, NOW)


def uids(order: Turns) -> list[int]:
    """All that waits, in the order in which it is taken."""
    taken = []
    while (next_one := order.take()) is not None:
        taken.append(next_one.key.uid)
    return taken


def waiting(*senders: int | None) -> Turns:
    """Messages of these groups, which arrived in this order: UIDs 1, 2, 3…"""
    order = Turns()
    for uid, group in enumerate(senders, 1):
        order.add(message(uid), group)
    return order


# ── the order ──


def test_schools_take_turns_each_in_the_order_of_arrival() -> None:
    assert uids(waiting(7, 7, 7, 8, 9, 8)) == [1, 4, 5, 2, 6, 3]


def test_a_school_that_joins_is_behind_one_message_of_each_other_however_many_wait() -> None:
    order = waiting(*[7] * 1_200, *[8] * 1_200)
    for _ in range(101):
        order.take()

    order.add(message(5_000), 9)

    assert uids(order)[:3] == [1_251, 52, 5_000]


def test_strangers_come_after_every_school_in_the_order_of_arrival() -> None:
    assert uids(waiting(STRANGERS, 7, STRANGERS, 7)) == [2, 4, 1, 3]


def test_messages_that_failed_before_come_last_those_that_failed_most_often_behind_the_others() -> None:
    order = Turns()
    for uid, (group, failures) in enumerate([(7, 2), (7, 1), (STRANGERS, 1), (STRANGERS, 0), (8, 0)], 1):
        order.add(message(uid), group, failures)

    assert uids(order) == [5, 4, 2, 3, 1]


def test_nothing_is_taken_where_nothing_waits() -> None:
    order = waiting(7)
    assert not order.are_over()

    assert order.take()

    assert order.are_over()
    assert order.take() is None


@given(happenings)
def test_every_message_is_taken_once_and_those_of_a_school_in_the_order_of_arrival(happened: list[int | None]) -> None:
    order, sent, taken = Turns(), defaultdict(list), []
    for uid, group in enumerate(happened):
        if group is False:
            taken += [next_one.key.uid] if (next_one := order.take()) else []
        else:
            order.add(message(uid), group)
            sent[group].append(uid)
    taken += uids(order)

    assert Counter(taken) == Counter(uid for messages in sent.values() for uid in messages)
    for messages in sent.values():
        assert [uid for uid in taken if uid in messages] == messages


@given(happenings)
def test_no_school_waits_for_more_than_one_message_of_each_other_and_for_no_stranger(
    happened: list[int | None],
) -> None:
    order, group_of = Turns(), dict[int, int | None]()
    ahead: dict[int | None, Counter[int | None]] = {}  # by each school that waits: what was taken since its last turn

    def take() -> bool:
        taken = order.take()
        if taken is None:
            return False
        group = group_of.pop(taken.key.uid)
        ahead.pop(group, None)
        for seen in ahead.values():
            seen[group] += 1
        if group in group_of.values():
            ahead[group] = Counter()
        for school, seen in ahead.items():
            assert school is STRANGERS or (seen[STRANGERS] == 0 and max(seen.values(), default=0) <= 1)
        return True

    for uid, group in enumerate(happened):
        if group is False:
            take()
        else:
            order.add(message(uid), group)
            group_of[uid] = group
            ahead.setdefault(group, Counter())
    while take():
        pass


# ── who counts as one ──


def test_senders_that_share_a_school_count_as_one() -> None:
    together = turns.groups([("head@a.test", 1), ("office@a.test", 1), ("trust.test", 2), ("head@b.test", 3)])

    assert together.of("head@a.test") == together.of("office@a.test")
    assert together.of("anybody@trust.test") == together.of("somebody@trust.test")
    assert len({together.of(one) for one in ("head@a.test", "x@trust.test", "head@b.test")}) == 3


def test_schools_count_as_one_if_a_chain_of_senders_connects_them() -> None:
    together = turns.groups([("one@a.test", 1), ("two@b.test", 3), ("both@c.test", 2), ("both@c.test", 1)])
    assert together.of("one@a.test") == together.of("both@c.test") != together.of("two@b.test")

    together = turns.groups([("one@a.test", 1), ("two@a.test", 2), ("a.test", 2), ("one@a.test", 3), ("a.test", 4)])
    assert {together.of(one) for one in ("one@a.test", "two@a.test", "three@a.test")} == {1}


def test_whoever_is_not_registered_is_a_stranger() -> None:
    together = turns.groups([("head@a.test", 1), ("trust.test", 2)])

    strangers = ("", "head2@a.test", "a.test@else.test", "x@sub.trust.test", "@", "trust.test@", "head@a.test ")
    assert [together.of(one) for one in strangers] == [None] * len(strangers)
    assert turns.groups([]).of("head@a.test") is None


@given(registers)
def test_groups_are_the_connected_components_of_senders_and_schools(register: list[tuple[str, int]]) -> None:
    together = turns.groups(register)

    def values(address: str) -> set[str]:
        return {address, address.rpartition("@")[2]}

    def schools(address: str) -> set[int]:
        return {school for sender, school in register if sender in values(address)}

    everybody = {sender for sender, _ in register}
    for one in everybody:
        reached, before = schools(one), set[int]()
        while reached != before:
            before = reached
            reached = before.union(*(schools(other) for other in everybody if schools(other) & before))
        assert together.of(one) == min(reached)
