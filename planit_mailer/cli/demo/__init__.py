"""The demo: the whole journey on this machine, with an embedded mailbox and relay, and an invented school."""

from planit_mailer.cli.demo.journey import play

__all__ = ["play"]
