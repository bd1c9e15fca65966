"""Advice to the operator: what is wrong, and how to fix it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence that says what is wrong, without its full stop, and one or more that say how to fix it."""

    said: str
    fix: str

    def __str__(self) -> str:
        return f"{self.said}. {self.fix}"
