"""How the ledger's tables write their columns: aware instants, lists of words, JSON, running numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


def when(nullable: bool = True) -> Any:
    """An instant with its zone."""
    return Column(DateTime(timezone=True), nullable=nullable)


def words() -> Any:
    """A list of words, empty by default."""
    return Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))


def json() -> Any:
    """A JSON object, empty by default."""
    return Column(JSONB, nullable=False, server_default=text("'{}'"))


def number() -> Any:
    """A running number given by PostgreSQL."""
    return Column(BigInteger, Identity(always=True), primary_key=True)
