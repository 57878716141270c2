"""What an operator may set for a body reached by the `http` connector."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.wire.ledger import MAX_PAGE_ITEMS


class HttpOptions(BaseModel):
    """Options of an `http` body. Time-outs in seconds; `ca_file` a PEM file of the authorities to trust for it; `split: false` for a body
    that must not even be asked for digests of parts of a day or by the second form of the line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    connect_timeout: float = Field(default=5, gt=0, le=60)
    read_timeout: float = Field(default=20, gt=0, le=120)
    signed_receipts: bool = True
    ca_file: str | None = None
    max_answer_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    page_limit: int = Field(default=500, ge=1, le=MAX_PAGE_ITEMS)
    split: bool = True

    @field_validator("base_url")
    @classmethod
    def _whole_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be a whole address, e.g. https://court.example/xf")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("base_url must not carry a query, fragment, user or password; keys go with the body's keys")
        return value.rstrip("/")

    @field_validator("ca_file")
    @classmethod
    def _is_there(cls, value: str | None) -> str | None:
        if value is not None and not Path(value).is_file():
            raise ValueError("ca_file names no file; give the PEM file of the authorities, or leave it out")
        return value
