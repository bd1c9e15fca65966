"""From a verdict to the mails that go out."""
