"""A system of the bureau that hands in petitions through the gateway, with a token, as a real one does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import requests

from runtime.timesource import MachineTime
from tests.acceptance.installation import Installation

# Divisions and sectors of the sample table: petitions for different bodies.
PLACES = [("housing", "990102"), ("education", "990102"), ("agriculture", "990103"), ("civil_affairs", "990103"), ("health", "990100")]


class FrontDesk:
    """Hands in petitions that the table routes by itself, and asks after them."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        code, said = installation.run("keys", "client-add", "front-desk")
        assert code == 0, said
        [token] = [line for line in said.splitlines() if line.startswith("tlc_")]
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def hand_in(self, ref: str, place: int = 0) -> str:
        """One petition; returns its number. The same `ref` is the same petition."""
        sector, division = PLACES[place % len(PLACES)]
        form = {"origin_ref": ref, "channel": "online", "received_at": (MachineTime().now() - timedelta(minutes=1)).isoformat(),
                "subject": f"反映供暖不热的问题（{ref}）", "text": "家中供暖一直不热，已经报修三次，请依法核实并予以解决。",
                "petitioner": {"name": "司徒虚构", "phone": "10012345678"},
                "facts": {"klass": "claim", "art31": 6, "sector": sector, "division": division}}
        answer = self._session.post(f"{self._installation.gateway}/petitions", json=form, timeout=30)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["petition_no"])

    def ask(self, number: str) -> dict[str, Any]:
        answer = self._session.get(f"{self._installation.gateway}/petitions/{number}", timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def delivered(self, number: str) -> bool:
        """Whether a body has given a receipt for it."""
        return any(handoff["delivered_at"] for handoff in self.ask(number)["handoffs"])
