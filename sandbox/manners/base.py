"""What a manner is, and the script every body follows unless its manner says otherwise."""

import sqlite3
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from sandbox import edges, texts
from sandbox.desk import PLAIN, Delivery, Desk
from sandbox.faults import Fault


class Options(BaseModel):
    """The pace of a body, in plain virtual hours and days. Every manner knows these; some know more."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sign_hours: float = Field(4, ge=0)
    accept_days_min: float = Field(1, ge=0)
    accept_days_max: float = Field(3, ge=0)
    progress: bool = True
    result_days_min: float = Field(5, ge=0)
    result_days_max: float = Field(20, ge=0)
    rework_days_min: float = Field(3, ge=0)
    rework_days_max: float = Field(8, ge=0)
    agree_to_withdrawal: bool = False  # after acceptance; before it a body always agrees


class Visit:
    """One arrival of one message at a body's door, before anything is stored; lives inside the ledger's transaction."""

    def __init__(self, db: sqlite3.Connection, body: str, message_id: str, message: str, now: datetime) -> None:
        self.db, self.body, self.message_id, self.message, self.now = db, body, message_id, message, now
        self._earlier: int | None = None

    def earlier(self) -> int:
        """How often this message id came to this door before now; this arrival is counted, once, by asking."""
        if self._earlier is None:
            row = self.db.execute(
                "INSERT INTO tries VALUES (?, ?, 1) ON CONFLICT (body, message_id) DO UPDATE SET n = n + 1 RETURNING n",
                (self.body, self.message_id),
            ).fetchone()
            self._earlier = int(row[0]) - 1
        return self._earlier


O = TypeVar("O", bound=Options)  # noqa: E741


class Manner(Generic[O]):
    """How a body behaves. Stateless: what it must remember stands in the ledger.

    Two halves: the door (`before_commit`, `after_commit`: faults of the technical layer) and the script (`opened`,
    `on_*`, `do_*`: the business). Subclasses override what differs.
    """

    name: ClassVar[str]
    line: ClassVar[str]  # one line in Chinese, for screens
    options_type: ClassVar[type[Options]] = Options
    only_oldest_key: ClassVar[bool] = False

    def __init__(self, options: O) -> None:
        self.options = options

    # the door

    def before_commit(self, visit: Visit) -> Fault | None:
        """A fault to answer with instead of storing the message; None lets it in."""
        return None

    def after_commit(self, visit: Visit) -> Fault | None:
        """A fault to answer with although the message is stored; None answers the receipt."""
        return None

    def delivery(self, message: str) -> Delivery:
        """How a message of this kind leaves."""
        return PLAIN

    # the script

    def opened(self, desk: Desk) -> None:
        """A new case came in."""
        desk.later("sign", timedelta(hours=self.options.sign_hours))

    def on_urge(self, desk: Desk) -> None:
        """催办: do the next thing sooner."""
        desk.hasten("sign", timedelta(hours=2))
        desk.hasten("accept", timedelta(days=1))
        desk.hasten("result", timedelta(days=3))

    def on_supervise(self, desk: Desk) -> None:
        """督办: do the next thing at once."""
        desk.hasten("sign", timedelta(hours=1))
        desk.hasten("accept", timedelta(hours=12))
        desk.hasten("result", timedelta(days=1))

    def on_supplement(self, desk: Desk) -> None:
        """Further material came: what was suspended for it goes on."""
        if desk.case.state == edges.SUSPENDED:
            desk.later("resume", timedelta(hours=2))

    def on_decision(self, desk: Desk, decision: str) -> None:
        """The bureau decided on this body's objection: upheld and escalated take it off the desk, rejected means go
        on."""
        desk.cancel()
        if decision == "rejected":
            self.plan_acceptance(desk)

    def on_ruling(self, desk: Desk) -> None:
        """The arbiter ruled; the state says for whom."""
        desk.cancel()
        if desk.case.state == edges.SIGNED:
            self.plan_acceptance(desk)

    def on_review(self, desk: Desk, review: str) -> None:
        """The bureau reviewed the result: closed, or to be done again."""
        desk.cancel()
        if review == "rework":
            days = desk.between("rework", self.options.rework_days_min, self.options.rework_days_max)
            desk.later("result", timedelta(days=days))

    def on_withdraw(self, desk: Desk) -> None:
        """The bureau asks for the case back."""
        desk.later("answer_withdrawal", timedelta(hours=4))

    def do_sign(self, desk: Desk) -> None:
        """签收, then plan what comes next."""
        if self.say(desk, "handoff.signed", texts.signed(desk.case, desk.now)):
            self.after_signing(desk)

    def after_signing(self, desk: Desk) -> None:
        """What a body plans once it has signed."""
        self.plan_acceptance(desk)

    def plan_acceptance(self, desk: Desk) -> None:
        """Plan 受理."""
        days = desk.between("accept", self.options.accept_days_min, self.options.accept_days_max)
        desk.later("accept", timedelta(days=days))

    def do_accept(self, desk: Desk) -> None:
        """受理, with the case number, then plan the work."""
        if self.say(desk, "handoff.accepted", texts.accepted(desk.case, desk.now)):
            self.after_accepting(desk)

    def after_accepting(self, desk: Desk) -> None:
        """What a body plans once it has accepted."""
        self.plan_result(desk)

    def plan_result(self, desk: Desk) -> None:
        """Plan 办结报告, and a word of progress half way."""
        days = desk.between("result", self.options.result_days_min, self.options.result_days_max)
        if self.options.progress:
            desk.later("progress", timedelta(days=days / 2))
        desk.later("result", timedelta(days=days))

    def do_progress(self, desk: Desk) -> None:
        """Say that work goes on."""
        self.say(desk, "handoff.progress", {"note": texts.PROGRESS})

    def do_resume(self, desk: Desk) -> None:
        """Take up what was suspended."""
        desk.cancel("resume")
        if self.say(desk, "handoff.resumed", {}):
            self.plan_result(desk)

    def do_result(self, desk: Desk) -> None:
        """办结报告."""
        desk.cancel("progress")
        self.say(desk, "handoff.result", self.result(desk))

    def result(self, desk: Desk) -> dict[str, object]:
        """The result's data."""
        return texts.result(desk.case)

    def do_answer_withdrawal(self, desk: Desk) -> None:
        """Before acceptance a body lets go; after it only where its options say so. In a dispute it answers once
        that is decided."""
        if desk.case.state in (edges.OBJECTED, edges.ESCALATED):
            desk.later("answer_withdrawal", timedelta(days=1))
            return
        agreed = desk.case.state in edges.BEFORE_ACCEPTANCE or self.options.agree_to_withdrawal
        if self.say(desk, "withdraw.answer", {"agreed": agreed}) and agreed:
            desk.cancel()

    def act(self, desk: Desk, name: str) -> None:
        """Run a planned step by its name. Raises AttributeError for a step this manner does not have."""
        getattr(self, f"do_{name}")(desk)

    def say(self, desk: Desk, message: str, data: dict[str, object]) -> bool:
        """Issue a message in this manner's way of delivering."""
        return desk.say(message, data, self.delivery(message))
