"""The outside world: one module a system, no decisions."""
