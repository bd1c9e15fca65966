"""The fixtures that all tests share."""

pytest_plugins = (
    "tests.support.libreoffice",
    "tests.support.mailservers",
    "tests.support.browsers",
    "tests.support.stores",
    "tests.support.nameserver",
    "tests.support.readers",
    "tests.support.fake_world",
)
