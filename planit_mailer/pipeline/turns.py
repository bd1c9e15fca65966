"""Whose message is next: schools take turns, so that no sender delays the others. Pure: no mailbox, no store.

One message of each school is taken, then the next one of each. Senders that share a school count as one, for their
forms are about the same learners: within a school the order of arrival holds, and the identity checks of a form see
what came before it. A school that was not waiting joins behind the others. So it waits for at most one message of each
other school, however many they have sent. Strangers come after the schools; messages that failed before come last.

The turns go by the From address that a message claims. It is authenticated only when it is the message's turn, and
anybody can write a school's address there. What that gains a forger is little: their messages take the turns of that
school and delay this school alone, by one quick quarantine each. Who knows the addresses of many schools can delay all
by one message for each of them. A message without one clear address counts as a stranger's.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from planit_mailer.domain.messages import InboxMessage

Group: TypeAlias = int  # the lowest id of the schools in a group
Queues: TypeAlias = OrderedDict[Group | None, deque[InboxMessage]]  # by whose turn it is; None: the strangers
Rank: TypeAlias = tuple[int, bool]  # how often the message failed, and whether a stranger sent it: the lowest is first


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of schools that share a sender. `by_sender` has the group of each registered address and domain."""

    by_sender: Mapping[str, Group]

    def of(self, address: str) -> Group | None:
        """The group of a From address in canonical spelling; None for a stranger's."""
        own = self.by_sender.get(address)
        return self.by_sender.get(_domain(address)) if own is None else own


def groups(register: Iterable[tuple[str, int]]) -> Groups:
    """Group the schools of a register, given as pairs of a sender (an address or a domain) and a school's id.

    Two schools are in one group if a sender may send for both, or if a chain of such schools connects them.
    """
    joined: dict[int, int] = {}  # each school, and a school of the same group with a lower id, or else itself

    def lowest(school: int) -> int:
        while joined[school] != school:
            joined[school] = joined[joined[school]]  # halves the way for the next one
            school = joined[school]
        return school

    def join(one: int, other: int) -> None:
        first, second = sorted((lowest(one), lowest(other)))
        joined[second] = first

    schools: dict[str, int] = {}  # one of the schools of each sender
    for sender, school in register:
        joined.setdefault(school, school)
        join(schools.setdefault(sender, school), school)
    for sender, school in schools.items():  # an address may send for its own schools and for those of its domain
        join(school, schools.get(_domain(sender), school))
    return Groups({sender: lowest(school) for sender, school in schools.items()})


class Turns:
    """The messages that wait. Every message that is added is taken once."""

    def __init__(self) -> None:
        self._ranks: dict[Rank, Queues] = {}

    def add(self, message: InboxMessage, group: Group | None, failures: int = 0) -> None:
        """Add a message behind those of its group. `group` is None for a stranger's."""
        queues = self._ranks.setdefault((failures, group is None), OrderedDict())
        queues.setdefault(group, deque()).append(message)

    def take(self) -> InboxMessage | None:
        """Take the message whose turn it is, and put its group behind the others; None if nothing waits."""
        if not self._ranks:
            return None
        rank = min(self._ranks)
        queues = self._ranks[rank]
        group, queue = queues.popitem(last=False)
        message = queue.popleft()
        if queue:
            queues[group] = queue
        elif not queues:
            del self._ranks[rank]
        return message

    def are_over(self) -> bool:
        """True if nothing waits."""
        return not self._ranks


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2]
