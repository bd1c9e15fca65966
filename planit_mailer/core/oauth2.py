"""How we log in with OAuth2: what [mailbox.oauth2] and [smtp.oauth2] hold.

docs/microsoft365.md and docs/google.md tell how an operator comes by each value.
"""

import json
from datetime import date
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

SECRETS: Final = ("client_secret", "certificate", "service_account")  # each comes from its `…_file`, or the environment
# What one provider asks for means nothing to the other.
MICROSOFT: Final[tuple[str, ...]] = ("tenant", "client_id", "client_secret", "certificate")
GOOGLE: Final[tuple[str, ...]] = ("service_account",)
SCOPES: Final = {"microsoft365": "https://outlook.office365.com/.default", "google": "https://mail.google.com/"}


class OAuth2(BaseModel):
    """A program's own access, without a person: client credentials (RFC 6749 section 4.4), or a service account.

    `certificate` is PEM text, private key and certificate in one; `service_account` is Google's JSON key.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["microsoft365", "google"]
    tenant: str = ""
    client_id: str = ""
    client_secret_file: Path | None = None
    client_secret: SecretStr | None = None
    certificate_file: Path | None = None
    certificate: SecretStr | None = None
    service_account_file: Path | None = None
    service_account: SecretStr | None = None
    secret_expires: date | None = None
    mechanism: Literal["xoauth2", "oauthbearer"] = "xoauth2"
    authority: str = Field("https://login.microsoftonline.com", pattern="^https://")
    scope: str = ""

    @property
    def asked_scope(self) -> str:
        """The scope to ask for: mail, and nothing else."""
        return self.scope or SCOPES[self.provider]

    @field_validator("certificate")
    @classmethod
    def _key_and_certificate(cls, pem: SecretStr) -> SecretStr:
        from cryptography import x509  # noqa: PLC0415  slow to import, and few need it
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        text = pem.get_secret_value().encode()
        try:
            serialization.load_pem_private_key(text, password=None)
            x509.load_pem_x509_certificate(text)
        except (ValueError, TypeError):
            raise ValueError(
                "must hold the private key, without a password, and the certificate, in PEM form"
            ) from None
        return pem

    @field_validator("service_account")
    @classmethod
    def _googles_key(cls, key: SecretStr) -> SecretStr:
        try:
            facts = json.loads(key.get_secret_value())
        except ValueError:
            facts = None  # its text would be shown with the parser's error
        if not isinstance(facts, dict) or not {"client_email", "private_key", "token_uri"} <= set(facts):
            raise ValueError("must be the JSON key of a service account, as Google lets you download it")
        return key

    @model_validator(mode="after")
    def _what_the_provider_needs(self) -> "OAuth2":
        if self.provider == "microsoft365":
            needed, foreign = MICROSOFT, GOOGLE
        else:
            needed, foreign = GOOGLE, MICROSOFT
        useless = [key for key in foreign if self._has(key)]
        if useless:
            raise ValueError(f'{", ".join(useless)}: of no use with provider = "{self.provider}"')
        missing = [key for key in needed if not self._has(key)]
        if self.provider == "google" and missing:
            raise ValueError("needs service_account_file")
        if self.provider == "microsoft365" and self._has("client_secret") == self._has("certificate"):
            raise ValueError("needs either client_secret_file or certificate_file")
        plain = [key for key in missing if key not in SECRETS]
        if plain:
            raise ValueError(f"needs {' and '.join(plain)}")
        return self

    def _has(self, key: str) -> bool:
        return bool(getattr(self, key) or getattr(self, f"{key}_file", None))
