"""doctor: the verb that tries everything."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.markup import escape

from planit_mailer.app import doctor
from planit_mailer.app.doctor import Finding
from planit_mailer.cli import context
from planit_mailer.core.errors import ConfigError, PlanitError, Refused, Unavailable

STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}
# The gravest first: what a person has to mend comes before what may pass by itself.
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
    settings = context.of(ctx).settings()
    probes = doctor.probe(settings) if probe else iter(())
    findings = []
    for finding in _all(doctor.examine(settings), probes):
        findings.append(finding)
        if not json:
            _print(finding)
    if json:
        context.print_json([{"what": f.what, "state": f.state, "said": f.said, "fix": f.fix} for f in findings])
    failed = [finding.failed for finding in findings if finding.failed]
    if failed:
        raise _gravest(failed)(f"{len(failed)} of {len(findings)} things that were tried do not work.")


def _gravest(failed: Sequence[type[PlanitError]]) -> type[PlanitError]:
    """The kind of error that decides the exit code."""
    for kind in GRAVEST:
        if any(issubclass(error, kind) for error in failed):
            return kind
    return Refused


def _all(*parts: Iterator[Finding]) -> Iterator[Finding]:
    for part in parts:
        yield from part


def _print(finding: Finding) -> None:
    """As soon as it is known: a server that is away may take a minute to be so."""
    out = context.console()
    style = STYLES[finding.state]
    out.print(f"[{style}]{finding.state:<8}[/] {finding.what:<14} {escape(finding.said)}")
    if finding.fix:
        out.print(f"{'':<23} → {escape(finding.fix)}")
