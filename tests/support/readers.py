"""One warm reading process for all services that a test process opens: to start one takes longer than a poll."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext

import pytest

from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.app import wiring
from planit_mailer.core import config


@pytest.fixture(scope="session", autouse=True)
def _shared() -> Iterator[None]:
    start, readers = wiring.reader, dict[tuple[float, int], Reader]()

    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:

        def shared(limits: config.Limits) -> AbstractContextManager[Reader]:
            needs = limits.seconds.total_seconds(), limits.memory
            if needs not in readers:
                readers[needs] = stack.enter_context(start(limits))
            return nullcontext(readers[needs])

        patch.setattr(wiring, "reader", shared)
        yield
