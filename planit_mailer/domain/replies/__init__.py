"""Replies: turn a verdict into the mails that are sent."""
