"""What one installation sets by environment: where things are, how many at once.

Every value can be given as ``TONGLU_<NAME>``. What the law or the map of bodies says is not here but in the YAML files beside this one.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.places import data_home


class Settings(BaseSettings):
    """Settings of one process. All times in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="TONGLU_", extra="ignore", hide_input_in_errors=True)

    database_url: str = Field("", description="PostgreSQL URL of the ledger; empty: a private server under data_dir")
    database_patience: float = Field(60, ge=1, description="seconds a statement of the worker may take; a silent server is given up 5 s later")
    data_dir: Path = Field(default_factory=data_home, description="private server, keys, logs")
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
    quiet_days: int = Field(1, ge=0, description="days after its last hand-off has ended from which a body whose ledger was equal is compared once a week only")
    hold_minutes: int = Field(10, description="how long a gap in sequence waits before the missing messages are fetched")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("应以 postgresql:// 开头；不设则使用自带的 PostgreSQL")
        return value

    @field_validator("data_dir")
    @classmethod
    def _is_absolute(cls, value: Path) -> Path:
        path = value.expanduser()
        if not path.is_absolute():
            raise ValueError("不是绝对路径；请改成以 / 开头的路径")
        return path

    @property
    def keys(self) -> Path:
        return self.keys_dir or self.data_dir / "keys"

    @property
    def sandbox_base(self) -> str:
        """By what address bodies in the sandbox are reached."""
        return self.sandbox_url or self.sandbox_own

    @property
    def sandbox_own(self) -> str:
        """Where a sandbox of this installation listens."""
        return f"http://{self.host}:{self.sandbox_port}"

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
