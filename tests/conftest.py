"""The fixtures that all tests share."""

pytest_plugins = (
    "tests.libreoffice",
    "tests.mailservers",
    "tests.browsers",
    "tests.stores",
    "tests.nameserver",
    "tests.readers",
)
