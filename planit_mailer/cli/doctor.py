"""doctor: the verb that tries everything that the service needs."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.markup import escape

from planit_mailer.app import doctor
from planit_mailer.app.doctor import Finding
from planit_mailer.cli import context
from planit_mailer.core.config import Config
from planit_mailer.core.errors import ConfigError, PlanitError, Refused, Unavailable

STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}
# The most serious first: a mistake that a person has to correct comes before one that may pass by itself.
GRAVEST = (ConfigError, Unavailable)


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor")(run_doctor)


def run_doctor(
    ctx: typer.Context,
    probe: Annotated[  # noqa: FBT002
        bool, typer.Option("--probe", help="Also send a message to ourselves, and show what the provider stamps on it.")
    ] = False,
    json: context.Json = False,  # noqa: FBT002
) -> None:
    """Try everything that the service needs: each thing that does not work, with what to do.

    Exits 2 if the configuration has to be corrected, 3 if a server is away or refuses, 0 with warnings alone.

    Examples: `planit-mailer doctor`, `planit-mailer doctor --probe`
    """
    found = _findings(context.of(ctx).settings(), probe=probe)
    if json:
        findings = list(found)
        context.print_json([_as_json(finding) for finding in findings])
    else:
        findings = _print_each(found)
    failed = [finding.failed for finding in findings if finding.failed]
    if failed:
        raise _gravest(failed)(f"{len(failed)} of {len(findings)} things that were tried do not work.")


def _findings(settings: Config, *, probe: bool) -> Iterator[Finding]:
    """Try one thing after the other and yield what is found; with `probe` also by a message to ourselves."""
    yield from doctor.examine(settings)
    if probe:
        yield from doctor.probe(settings)


def _as_json(finding: Finding) -> dict[str, str]:
    return {"what": finding.what, "state": finding.state, "said": finding.said, "fix": finding.fix}


def _print_each(found: Iterator[Finding]) -> list[Finding]:
    """Print each finding as soon as it is known: a server that does not answer may take a minute."""
    findings = []
    for finding in found:
        _print(finding)
        findings.append(finding)
    return findings


def _gravest(failed: Sequence[type[PlanitError]]) -> type[PlanitError]:
    """The most serious kind of error among these. It decides the exit code."""
    for kind in GRAVEST:
        if any(issubclass(error, kind) for error in failed):
            return kind
    return Refused


def _print(finding: Finding) -> None:
    out = context.console()
    style = STYLES[finding.state]
    out.print(f"[{style}]{finding.state:<8}[/] {finding.what:<14} {escape(finding.said)}")
    if finding.fix:
        out.print(f"{'':<23} → {escape(finding.fix)}")
