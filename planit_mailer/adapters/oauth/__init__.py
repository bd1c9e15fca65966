"""OAuth2 logins for IMAP and SMTP."""
