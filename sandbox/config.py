"""What a sandbox is told: its bodies with keys and manners, where the bureau's hooks are, where its ledger lies."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors.wire.events import urn_of
from connectors.wire.signing import key_bytes, new_secret
from sandbox.lies import LedgerConfig
from sandbox.manners.registry import MANNERS, BadManner, check, wants_old_key


class BadConfig(ValueError):
    """A sandbox configuration that cannot stand; the message says where and what would do."""


class BodyConfig(BaseModel):
    """One invented body. Keys are `whsec_...` secrets, newest first: `to_body` signs what the bureau sends,
    `from_body` what the body sends. `options` are the manner's; `ledger` tells with what faults it keeps its ledger."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    manner: str = "prompt"
    options: Mapping[str, Any] = {}
    ledger: LedgerConfig = LedgerConfig()
    to_body: tuple[str, ...] = Field(min_length=1, repr=False)
    from_body: tuple[str, ...] = Field(min_length=1, repr=False)

    @field_validator("to_body", "from_body")
    @classmethod
    def _good_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            key_bytes(key)
        return keys

    @model_validator(mode="after")
    def _good_manner(self) -> Self:
        check_body(self.manner, self.options, self.from_body)
        return self


class SandboxConfig(BaseModel):
    """The whole sandbox. `hooks_url`: callbacks go to `{hooks_url}/{body}`; None, or `drop_callbacks`: nobody is
    called, the bureau must read the ledger. `ledger`: an SQLite file. `tolerance_seconds`: how far a signature's
    stamp may be from the clock."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    bodies: Mapping[str, BodyConfig]
    ledger: Path
    hooks_url: str | None = None
    drop_callbacks: bool = False
    seed: int = 0
    tolerance_seconds: int = Field(300, ge=1)
    senders: int = Field(8, ge=1, le=64)

    @field_validator("bodies")
    @classmethod
    def _good_codes(cls, bodies: Mapping[str, BodyConfig]) -> Mapping[str, BodyConfig]:
        if not bodies:
            raise ValueError("name at least one body")
        for code in bodies:
            urn_of(code)
        return bodies

    @field_validator("hooks_url")
    @classmethod
    def _good_url(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("write http://host:port/hooks")
        return None if url is None else url.rstrip("/")


def check_body(manner: str, options: Mapping[str, Any], from_body: Sequence[str]) -> None:
    """Whether a body with these keys can have this manner. Raises BadManner."""
    names = check(manner, options)
    if any(wants_old_key(name) for name in names) and len(from_body) < 2:
        raise BadManner("manner old_key needs two from_body keys, newest first")


def load(path: Path) -> SandboxConfig:
    """Read a configuration from YAML or JSON. Raises BadConfig, naming the file and the place in it, never a secret."""
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        raise BadConfig(f"{path}: not readable as UTF-8 YAML or JSON: {type(error).__name__}{_mark(error)}") from None
    return parse(value, str(path))


def parse(value: object, where: str = "sandbox configuration") -> SandboxConfig:
    """A configuration from plain data. Raises BadConfig."""
    try:
        return SandboxConfig.model_validate(value)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}" for fault in error.errors(include_url=False, include_input=False)
        )
        raise BadConfig(f"{where}: {faults}") from None


def dump(config: SandboxConfig, path: Path) -> None:
    """Write a configuration as JSON, readable by its owner only because it holds secrets; `load` reads it back."""
    path.touch(mode=0o600)
    path.write_text(config.model_dump_json(indent=1), encoding="utf-8")


def example(
    bodies: Sequence[str],
    *,
    ledger: Path,
    hooks_url: str | None = None,
    keys: Mapping[str, tuple[Sequence[str], Sequence[str]]] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    mix: bool = False,
    seed: int = 0,
) -> SandboxConfig:
    """A configuration in which every manner occurs, the same for the same bodies in the same order.

    With at least as many bodies as manners, and not `mix`, each body has one manner, in turn. Otherwise each body
    goes round the manners case by case, each starting at another. `keys` {code: (to_body, from_body)}: without,
    fresh ones. `options` by manner. Raises BadConfig.
    """
    names, extra = list(MANNERS), dict(options or {})
    alone = len(bodies) >= len(names) and not mix
    made: dict[str, dict[str, object]] = {}
    for place, code in enumerate(bodies):
        suggestion = _another(bodies, place)
        own = {name: dict(extra.get(name, {})) for name in names}
        if suggestion is not None:
            own["objects_rightly"].setdefault("suggested_body", suggestion)
        manner = names[place % len(names)]
        to_body, from_body = (keys or {}).get(code, ([new_secret()], [new_secret(), new_secret()]))
        made[code] = {
            "manner": manner if alone else "mixed",
            "options": own[manner]
            if alone
            else {
                "cycle": names,
                "start": place * 5 % len(names),
                "options": {name: own[name] for name in names if own[name]},
            },
            "to_body": list(to_body),
            "from_body": list(from_body),
        }
    return parse({"bodies": made, "ledger": ledger, "hooks_url": hooks_url, "seed": seed}, "example")


def _another(bodies: Sequence[str], place: int) -> str | None:
    """The next body of the same kind, else the next body at all."""
    others = [*bodies[place + 1 :], *bodies[:place]]
    kind = bodies[place].rpartition("-")[0]
    return next((code for code in others if code.rpartition("-")[0] == kind), others[0] if others else None)


def _mark(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else getattr(error, "lineno", None)
    return "" if line is None else f" in line {line}"
