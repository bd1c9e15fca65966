"""The fixtures that all tests share, and how many tests run at once."""

import os

pytest_plugins = (
    "tests.support.libreoffice",
    "tests.support.mailservers",
    "tests.support.browsers",
    "tests.support.stores",
    "tests.support.nameserver",
    "tests.support.readers",
    "tests.support.fake_world",
)


def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than cores: most tests wait, for a server or for a process that they started."""
    return (os.cpu_count() or 1) + 2
