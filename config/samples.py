"""Invented petitions for the demo and the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from config.facts import Channel, Facts
from config.source import Fault, Strict, load


class Petitioner(Strict):
    """An invented person. The telephone number begins with 100, which no real mobile number does."""

    name: Annotated[str, Field(min_length=2, max_length=20)]
    phone: Annotated[str, Field(pattern=r"^100[0-9]{8}$")]
    address: Annotated[str, Field(min_length=4, max_length=80)]
    id_no: Annotated[str, Field(pattern=r"^99[0-9]{16}$")] | None = None


class SamplePetition(Strict):
    """One petition as a bureau receives it. `received_offset_hours`: hours (0 to 240) after the start of the demo."""

    ref: Annotated[str, Field(pattern=r"^D[0-9]{3}$")]
    received_offset_hours: Annotated[int, Field(ge=0, le=240)]
    channel: Channel
    petitioner: Petitioner | None
    subject: Annotated[str, Field(min_length=4, max_length=40)]
    text: Annotated[str, Field(min_length=60, max_length=200)]
    facts: Facts

    @model_validator(mode="before")
    @classmethod
    def _channel_is_a_fact(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("facts"), dict):
            return data
        facts = {"channel": data.get("channel"), **data["facts"]}
        if facts["channel"] != data.get("channel"):
            raise Fault("facts 中的渠道与 channel 不一致", "删除 facts 中的 channel", ("facts", "channel"))
        return {**data, "facts": facts}


class SampleFile(Strict):
    """The content of samples/petitions.yaml."""

    petitions: Annotated[list[SamplePetition], Field(min_length=1)]

    @model_validator(mode="after")
    def _all_different(self) -> SampleFile:
        seen: dict[str, int] = {}
        for i, petition in enumerate(self.petitions):
            person = petition.petitioner
            for what in (petition.ref, petition.text, *([person.name, person.phone] if person else [])):
                if what in seen:
                    other = self.petitions[seen[what]].ref
                    raise Fault(f"{petition.ref} 与 {other} 重复", "改写编号、正文、姓名或电话", ("petitions", i))
            seen |= dict.fromkeys((petition.ref, petition.text, *([person.name, person.phone] if person else [])), i)
        return self


def load_samples(path: Path) -> list[SamplePetition]:
    """The petitions of a YAML file, in the file's order. Raises `ConfigError`."""
    return load(path, SampleFile).petitions
