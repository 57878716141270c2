"""What the law leaves open, each with what the product does meanwhile: gaps.yaml. A choice stands here only where code honours it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.source import Fault, Strict, load

GapId = Annotated[str, Field(pattern=r"^[1-9][0-9]?$")]
Said = Annotated[str, Field(min_length=2)]
ACCEPTANCE_DAY, LATE_REMEDY, TAKING_AWAY = "1", "6", "13"
"""Gaps whose choice code asks for."""
HONOURED: Mapping[str, frozenset[str]] = {ACCEPTANCE_DAY: frozenset({"message", "notice"}), LATE_REMEDY: frozenset({"with-reason", "refuse"}),
                                           TAKING_AWAY: frozenset({"reassign", "coordinate"})}


class Gap(Strict):
    """One question without an answer in law. `does`: today's answer; `options` and `choice`: where there is one to choose; `setting`: where else it is set."""

    question: Said
    does: Said
    article: Said
    basis: Literal["none"] = "none"
    options: Mapping[str, Said] = Field(default_factory=dict)
    choice: str | None = None
    setting: str = ""

    @model_validator(mode="after")
    def _chosen(self) -> Gap:
        if bool(self.options) != (self.choice is not None):
            raise Fault("options 与 choice 须同时写", "补写或删去其中一项")
        if self.choice is not None and self.choice not in self.options:
            raise Fault(f"选择 {self.choice} 不在可选之列", f"改为以下之一：{'、'.join(self.options)}", ("choice",))
        return self

    @property
    def meanwhile(self) -> str:
        """What the product does, the choice in force included."""
        return self.does if self.choice is None else f"{self.does}：{self.options[self.choice]}"


class Gaps(Strict):
    """The content of gaps.yaml."""

    gaps: Annotated[Mapping[GapId, Gap], Field(min_length=1)]

    @model_validator(mode="after")
    def _honoured(self) -> Gaps:
        for key, gap in self.gaps.items():
            unknown = sorted(gap.options.keys() - HONOURED.get(key, frozenset()))
            if unknown:
                raise Fault(f"空白 {key} 的选项 {'、'.join(unknown)} 没有程序实现", "只写产品能做到的选项", ("gaps", key, "options"))
        for key in HONOURED.keys() - self.gaps.keys():
            raise Fault(f"缺少空白 {key}，产品要知道怎么办", "补写该项", ("gaps",))
        for key in HONOURED:
            if self.gaps[key].choice is None:
                raise Fault(f"空白 {key} 没有写选择", f"补写 options 和 choice：{'、'.join(sorted(HONOURED[key]))}", ("gaps", key))
        return self

    def choice(self, key: str) -> str:
        """The option in force. Raises `KeyError` for a gap without one."""
        choice = self.gaps[key].choice
        if choice is None:
            raise KeyError(key)
        return choice


def load_gaps(path: Path) -> Gaps:
    """The gaps in a YAML file. Raises `ConfigError`."""
    return load(path, Gaps)
