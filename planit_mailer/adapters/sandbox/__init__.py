"""The reading process: parses untrusted files in a sandboxed child."""
