"""The policy: who may send, and what becomes of a message."""
