"""How connections to the mailbox and to the relay are encrypted."""

import ssl


def context() -> ssl.SSLContext:
    """TLS 1.2 or newer, to a server with a certificate for its name from one of this machine's authorities.

    They are read afresh for each connection: an authority that is added or removed counts at once.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
