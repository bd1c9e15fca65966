"""One loop over items that may be rejected one by one."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from planit_mailer.core.errors import Rejected

Item = TypeVar("Item")


def try_each(items: Iterable[Item], work: Callable[[Item], object]) -> Rejected | None:
    """Do some work for each item; a rejected item does not stop the others.

    Return the last rejection, or None. Any other error is raised at once: Unavailable, if the server itself is away.
    """
    rejected = None
    for item in items:
        try:
            work(item)
        except Rejected as error:
            rejected = error
    return rejected
