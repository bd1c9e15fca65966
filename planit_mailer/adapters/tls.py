"""TLS for the connections to the mailbox and to the relay."""

import ssl


def context() -> ssl.SSLContext:
    """Require TLS 1.2 or newer, and a certificate for the server's name from an authority that this machine trusts.

    The list of authorities is read again for each connection: an authority that is added or removed counts at once.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
