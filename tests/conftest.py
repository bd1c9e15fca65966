"""The fixtures that all tests share."""

pytest_plugins = ("tests.mailservers", "tests.browsers", "tests.stores")
