"""What the invented people and bodies of the demonstration do of their own accord: config/samples/demonstration.yaml.

The clerk follows rules over the ledger; what no ledger can know (that a petitioner is not content, what stands in a mixed letter, which body's system
refuses a message) is written here, petition by petition.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from config.bodies import Code
from config.facts import Facts
from config.samples import SampleFile, SamplePetition
from config.source import ConfigError, Fault, Problem, Strict, load

EVERYWHERE = "*"
Wish = Literal["review", "rereview", "reopen", "withdraw"]
Ref = Annotated[str, Field(pattern=r"^D[0-9]{3}$")]


# A month has to hold three answers one after another.
BRISK: dict[str, Any] = {"sign_hours": 4, "accept_days_min": 1, "accept_days_max": 1, "result_days_min": 3, "result_days_max": 3, "progress": False}


class Cast(Strict):
    """The manner in which a body of the sandbox treats this petition (sandbox/manners), at a brisk pace where `options` say nothing else."""

    manner: str = "prompt"
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """What the sandbox is told."""
        return {**BRISK, **self.options}


class PartText(Strict):
    """One matter of a mixed letter."""

    subject: Annotated[str, Field(min_length=4, max_length=40)]
    text: Annotated[str, Field(min_length=20, max_length=200)]
    facts: Facts


class Advice(Strict):
    """One of the three proposals, made when the petition is closed; whether its addressee adopts it."""

    kind: Literal["improve", "policy", "accountability"]
    to: Code
    adopted: Literal["yes", "partly", "no"] = "yes"


class Hint(Strict):
    """One petition's part.

    `cast`: by body, or `*`. `wishes`: what the petitioner asks, in this order, each `patience_days` after the last answer (withdraw: after delivery);
    `review_by`, `sent_to` and `designated` name the body that reviews, that the clerk chooses, that the arbiter designates. `learns`: what the clerk finds
    out. Guided, the petitioner may be `turned_away` by the organ, or give up.
    """

    cast: dict[str, Cast] = Field(default_factory=dict)
    wishes: list[Wish] = Field(default_factory=list)
    patience_days: Annotated[float, Field(gt=0)] = 2
    review_by: Code | None = None
    sent_to: Code | None = None
    designated: Code | None = None
    learns: Facts | None = None
    parts: list[PartText] = Field(default_factory=list)
    proposes: list[Advice] = Field(default_factory=list)
    on_paper: bool = False
    reroutes: bool = False
    recuses: bool = False
    gives_up: bool = False
    turned_away: bool = False


class Script(SampleFile):
    """Further petitions, and what happens to these and to those of petitions.yaml, of which those up to `through` are played unless all are asked for."""

    through: Ref
    hints: dict[Ref, Hint] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Script:
        for ref, hint in self.hints.items():
            if len(hint.parts) == 1:
                raise Fault(f"{ref} 只拆成一件", "至少写两件，或删去 parts", ("hints", ref, "parts"))
        return self


_NOBODY = Hint()


class Play:
    """The petitions of the demonstration and each one's hint. `everything`: all of petitions.yaml."""

    def __init__(self, samples: list[SamplePetition], script: Script, *, everything: bool) -> None:
        refs = [sample.ref for sample in (*samples, *script.petitions)]
        unknown = sorted({script.through, *script.hints} - set(refs)) or sorted(ref for ref in refs if refs.count(ref) > 1)
        if unknown:
            raise ConfigError([Problem("demonstration.yaml", 1, f"{unknown[0]} 不在示例中，或者重复", "改正 ref")])
        last = len(samples) if everything else next((i for i, s in enumerate(samples, 1) if s.ref == script.through), len(samples))
        self.samples = [*samples[:last], *script.petitions]
        self._hints = script.hints

    def hint(self, ref: str) -> Hint:
        """What is written for this petition; nothing in particular for most."""
        return self._hints.get(ref, _NOBODY)

    @property
    def refs(self) -> list[str]:
        """References that have a hint."""
        return list(self._hints)


def load_play(folder: Path, *, everything: bool = False) -> Play:
    """Read petitions.yaml and demonstration.yaml in this folder. Raises `ConfigError`, also where the two do not fit together."""
    samples = load(folder / "petitions.yaml", SampleFile).petitions
    return Play(samples, load(folder / "demonstration.yaml", Script), everything=everything)
