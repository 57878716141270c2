"""What one installation sets by environment: where things are, how many at once.

Every value can be given as ``TONGLU_<NAME>``. What the law or the map of bodies says is not here but in the YAML files beside this one.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_dir() -> Path:
    """The product's own folder: root's lies under /var/lib because PostgreSQL, run as ``nobody``, must be able to enter it."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/tonglu")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "tonglu"


class Settings(BaseSettings):
    """Settings of one process. All times in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="TONGLU_", extra="ignore")

    database_url: str = Field("", description="PostgreSQL URL of the ledger; empty: a private server under data_dir")
    data_dir: Path = Field(default_factory=default_data_dir, description="private server, keys, logs")
    config_dir: Path = Field(Path(__file__).parent, description="bodies, routing, road map, clocks, calendar")
    keys_dir: Path | None = Field(None, description="signing keys of bodies and clients; empty: data_dir/keys")
    field_keys: str = Field("", description="keys for personal fields, 'id:base64,id:base64', newest first; empty: keys_dir/field.keys")
    clock: str = Field("", description="'' or 'machine': the machine's clock; 'file:PATH': stepped time")

    bureau: str = Field("bureau-990100", description="code of the bureau that runs this installation")
    host: str = "127.0.0.1"
    gateway_port: int = 4400
    prefect_port: int = 4200
    sandbox_port: int = 4410
    sandbox_url: str = Field("", description="what {sandbox} in bodies.yaml stands for; empty: the local sandbox")

    trace_budget: int = Field(200, ge=0, description="task runs a flow run may spend on single hand-offs")
    batch_size: int = Field(500, ge=1, le=5000, description="messages a dispatch run leases at once")
    send_threads: int = Field(8, ge=1, le=64)
    bodies_at_once: int = Field(4, ge=1, le=64, description="dispatch runs the resident worker keeps going together")
    lease_seconds: int = Field(180, ge=30, description="after this a row found SENDING is UNKNOWN; longer than the longest single send")
    max_body_bytes: int = 262_144
    hold_minutes: int = Field(10, description="how long a gap in sequence waits before the missing messages are fetched")

    @property
    def keys(self) -> Path:
        return self.keys_dir or self.data_dir / "keys"

    @property
    def sandbox_base(self) -> str:
        return self.sandbox_url or f"http://{self.host}:{self.sandbox_port}"

    @property
    def gateway_url(self) -> str:
        return f"http://{self.host}:{self.gateway_port}"

    @property
    def prefect_api(self) -> str:
        return f"http://{self.host}:{self.prefect_port}/api"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
