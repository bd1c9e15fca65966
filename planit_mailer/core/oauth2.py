"""The configuration of OAuth2 logins: the tables [mailbox.oauth2] and [smtp.oauth2].

docs/microsoft365.md and docs/google.md explain how an operator obtains each value.
"""

import json
from datetime import date
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

SECRETS: Final = ("client_secret", "certificate", "service_account")  # each comes from its `…_file`, or the environment
# The keys of one provider are refused for the other.
MICROSOFT: Final = ("tenant", "client_id", "client_secret", "certificate")
GOOGLE: Final = ("service_account",)
SCOPES: Final = {"microsoft365": "https://outlook.office365.com/.default", "google": "https://mail.google.com/"}


class OAuth2(BaseModel):
    """A program's own access, without a person: client credentials (RFC 6749 section 4.4), or a service account.

    `certificate` is PEM text with both the private key and the certificate. `service_account` is Google's JSON key.
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
        """The scope of the token to request: mail, and nothing else."""
        return self.scope or SCOPES[self.provider]

    @field_validator("certificate")
    @classmethod
    def _check_certificate(cls, pem: SecretStr) -> SecretStr:
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
    def _check_service_account(cls, key: SecretStr) -> SecretStr:
        try:
            content = json.loads(key.get_secret_value())
        except ValueError:
            content = None  # not `raise … from`: the parser's error would show the key
        if not isinstance(content, dict) or not {"client_email", "private_key", "token_uri"} <= set(content):
            raise ValueError("must be the JSON key of a service account, as Google lets you download it")
        return key

    @model_validator(mode="after")
    def _check_provider(self) -> "OAuth2":
        if self.provider == "google":
            self._check_google()
        else:
            self._check_microsoft()
        return self

    def _check_google(self) -> None:
        self._refuse(MICROSOFT)
        if not self._has("service_account"):
            raise ValueError("needs service_account_file")

    def _check_microsoft(self) -> None:
        self._refuse(GOOGLE)
        if self._has("client_secret") == self._has("certificate"):
            raise ValueError("needs either client_secret_file or certificate_file")
        missing = [key for key in ("tenant", "client_id") if not self._has(key)]
        if missing:
            raise ValueError(f"needs {' and '.join(missing)}")

    def _refuse(self, keys: tuple[str, ...]) -> None:
        useless = [key for key in keys if self._has(key)]
        if useless:
            raise ValueError(f'{", ".join(useless)}: of no use with provider = "{self.provider}"')

    def _has(self, key: str) -> bool:
        return bool(getattr(self, key) or getattr(self, f"{key}_file", None))
