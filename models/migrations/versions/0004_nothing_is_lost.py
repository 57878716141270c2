"""Breaker, suspension and rate of a body; other ways and every attempt in full; comparisons that can be resumed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False, server_default="")


def _whole(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def upgrade() -> None:
    body: list[sa.Column[Any]] = [
        _whole("way"),
        sa.Column("breaker", sa.String(), nullable=False, server_default="CLOSED"),
        _whole("openings"), _instant("opened_at"), _instant("waits_from"), _instant("probe_at"), _text("probe_owner"), _text("probe_message"), _text("cause"),
        _instant("suspended_at"), _instant("suspended_until"), _text("suspended_by"), _text("suspended_reason"),
        sa.Column("tokens", sa.Float(), nullable=True), _instant("tokens_at"), _instant("token_at"),
    ]
    outbox: list[sa.Column[Any]] = [_whole("way"), _whole("way_attempts"), _instant("leased_at"), _instant("dead_at")]
    attempt: list[sa.Column[Any]] = [_whole("way"), _instant("started_at"), _whole("took_ms"), _text("asked"), _text("sent_digest"), _whole("sent_bytes"),
               sa.Column("status", sa.Integer(), nullable=True), _text("klass"), sa.Column("doubt", sa.Boolean(), nullable=False, server_default="false")]
    reconciliation: list[sa.Column[Any]] = [_text("owner"), sa.Column("reached", sa.Date(), nullable=True), _whole("listed")]
    for table, columns in (("body", body), ("outbox", outbox), ("attempt", attempt), ("reconciliation", reconciliation)):
        for column in columns:
            op.add_column(table, column)
    op.drop_constraint("body_pkey", "body", type_="primary")
    op.create_primary_key("body_pkey", "body", ["code", "way"])
    _pauses()
    op.create_check_constraint("body_breaker", "body", "breaker in ('CLOSED','OPEN','HALF_OPEN')")
    op.create_check_constraint("body_waits", "body", "breaker = 'CLOSED' or (probe_at is not null and waits_from is not null)")
    op.execute("update outbox set way_attempts = attempts")
    # Of tries made before, only the outcome is known; what ended undelivered may have arrived.
    op.execute("update attempt set doubt = true where outcome in ('unknown', 'weak', 'dead')")
    # A comparison taken up again finds the same differences; each stands once.
    op.execute("""delete from difference d using difference e where d.reconciliation_id = e.reconciliation_id and d.handoff_id = e.handoff_id
                  and d.kind = e.kind and d.id > e.id""")
    op.create_index("difference_once", "difference", ["reconciliation_id", "handoff_id", "kind"], unique=True)
    op.create_index("outbox_by_petition", "outbox", ["petition_no"])
    op.drop_index("difference_by_run", "difference")


def _pauses() -> None:
    """What was one pause becomes a breaker where a fault made it, and a suspension where a person did.

    A fault's reason is a code, and it had counted; a person's is in their own words.
    """
    op.create_table(
        "suspension",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("act in ('suspend','resume')", name="suspension_act"),
    )
    op.create_index("suspension_by_body", "suspension", ["body", "id"])
    fault = "paused_until is not null and failures > 0 and pause_reason ~ '^[a-z0-9][a-z0-9-]*$'"
    op.execute(f"""update body set breaker = 'OPEN', openings = failures, opened_at = least(updated_at, paused_until), probe_at = paused_until, cause = pause_reason,
                   waits_from = least(updated_at, paused_until) where {fault}""")
    by_hand = f"paused_until is not null and not ({fault})"
    op.execute(f"""insert into suspension (body, act, at, by, reason, until) select code, 'suspend', updated_at, '', pause_reason, paused_until
                   from body where {by_hand} order by code""")
    op.execute(f"""update body set suspended_at = updated_at, suspended_until = paused_until, suspended_reason = pause_reason, failures = 0 where {by_hand}""")
    op.execute("update body set failures = 0 where breaker = 'CLOSED'")
    op.drop_column("body", "paused_until")
    op.drop_column("body", "pause_reason")


def downgrade() -> None:
    raise RuntimeError("this migration cannot be undone")
