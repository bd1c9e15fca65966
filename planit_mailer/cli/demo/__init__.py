"""The whole journey on this machine: an embedded mailbox and relay, a registered school, and what a learner sees."""

from planit_mailer.cli.demo.journey import play

__all__ = ["play"]
