"""Signs messages as a school's mail server does (DKIM)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

DOMAIN, SELECTOR = "greenfield.test", "s1"
NAME = f"{SELECTOR}._domainkey.{DOMAIN}."
SIGNED = ("from", "to", "subject", "date", "message-id", "content-type", "mime-version")


@dataclass(frozen=True)
class Pair:
    """A key pair: the private key as PEM, and what stands in DNS."""

    private: bytes
    record: bytes


@cache
def pair(bits: int = 1024, number: int = 0) -> Pair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Pair(private, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public))


def signed(
    raw: bytes,
    pair_: Pair | None = None,
    domain: str = DOMAIN,
    selector: str = SELECTOR,
    headers: Sequence[str] = SIGNED,
    **more: object,
) -> bytes:
    """A message with a signature on top."""
    key = (pair_ or pair()).private
    named = [name.encode() for name in headers]
    return dkim.sign(raw, selector.encode(), domain.encode(), key, include_headers=named, **more) + raw


# Of 512 bits, which libraries refuse to make today: anybody can find the private one.
WEAK = Pair(
    b"""-----BEGIN RSA PRIVATE KEY-----
MIIBOwIBAAJBAPtkWHWmMDjkkAIAH1G06M/VJtepzui5UM9EUoUfUwRnQVEatn+Z
Nb/LdSN7leneN+JNWxgj5VPqjwyON1seco8CAwEAAQJBANge/oW2aAKhTMTLgiFm
XDhA0XHbBIzCtJxb6m2T7nT689UCK+yl5virzP1xZ7YmGvg2Jhp83vkCNZ6V7NMK
THECIQD+DgSHGc3hGkPAGq9AiIdyo7wnZVLgxMQc3unjtrIZcwIhAP1RG8KzM4Az
IDZ4FIb/zh5oe2sJofdGJWOW5yFuI6t1AiAAhvbrcNpEhVFurJ+AesgNLNnPGx64
6K+ff7bsigyEkQIhAIDISVq0jAwy8b9/UMBJMFrZN1V1cjgqGzwELcEbI1s5AiBg
F/fXz9Bd1wNWM4WZYgzFjcG5OMoULg/E2KxOFUOm6g==
-----END RSA PRIVATE KEY-----""",
    b"v=DKIM1; k=rsa; p="
    b"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAPtkWHWmMDjkkAIAH1G06M/VJtepzui5UM9EUoUfUwRnQVEa"
    b"tn+ZNb/LdSN7leneN+JNWxgj5VPqjwyON1seco8CAwEAAQ==",
)
