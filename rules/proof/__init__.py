"""The static proof that no case can be stranded: over the configuration alone, before any case exists. Pure; `tonglu check` prints it.

Loading refuses what contradicts itself in one place (config.roadmap, config.bodies, config.routing). Here the whole is followed: from every state
that a case can come to, to an end; from every clock to people who are asked again and again; from every combination of facts to somebody who can be
reached. What each defect means, and what is beyond a proof of this kind: docs/check.md.
"""

from rules.proof.defect import Defect, Note, locate
from rules.proof.parts import Parts
from rules.proof.proving import Explored, Proof, parts_of, prove, prove_house, require_sound, road_defects
from rules.proof.years import missing_years

__all__ = ["Defect", "Explored", "Note", "Parts", "Proof", "locate", "missing_years", "parts_of", "prove", "prove_house", "require_sound", "road_defects"]
