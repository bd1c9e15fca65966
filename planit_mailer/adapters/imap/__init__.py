"""The IMAP mailbox."""
