"""Secrets that are typed in: never an argument, which the shell and the process list would keep."""

import sys

import typer

from planit_mailer.core.errors import ConfigError
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.encryption.passwords import Password


def password(prompt: str) -> Password:
    """The password of a workbook: asked for twice and not shown; without a terminal, the first line of standard input.

    Raises ConfigError where no workbook can have it.
    """
    if sys.stdin.isatty():
        given = typer.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not passwords.usable(given):
        raise ConfigError(f"A password has 1 to {passwords.LONGEST} characters that can be typed.")
    return Password(given)
