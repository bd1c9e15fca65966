"""The core, which everything may import: configuration, secrets, units, errors, logs, paths, text."""
