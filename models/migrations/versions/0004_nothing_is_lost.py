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
        sa.Column("breaker", sa.String(), nullable=False, server_default="CLOSED"),
        _instant("opened_at"), _instant("probe_at"), _text("probe_owner"), _text("cause"),
        _instant("suspended_at"), _instant("suspended_until"), _text("suspended_by"), _text("suspended_reason"),
        sa.Column("tokens", sa.Float(), nullable=True), _instant("tokens_at"),
    ]
    outbox: list[sa.Column[Any]] = [_whole("way"), _whole("way_attempts"), _instant("leased_at"), _instant("dead_at")]
    attempt: list[sa.Column[Any]] = [_whole("way"), _instant("started_at"), _whole("took_ms"), _text("asked"), _text("sent_digest"), _whole("sent_bytes"),
               sa.Column("status", sa.Integer(), nullable=True), _text("klass"), sa.Column("doubt", sa.Boolean(), nullable=False, server_default="false")]
    reconciliation: list[sa.Column[Any]] = [_text("owner"), sa.Column("reached", sa.Date(), nullable=True), _whole("listed")]
    for table, columns in (("body", body), ("outbox", outbox), ("attempt", attempt), ("reconciliation", reconciliation)):
        for column in columns:
            op.add_column(table, column)
    op.create_check_constraint("body_breaker", "body", "breaker in ('CLOSED','OPEN','HALF_OPEN')")
    op.execute("update outbox set way_attempts = attempts")
    # Of tries made before, only the outcome is known; what ended undelivered may have arrived.
    op.execute("update attempt set doubt = true where outcome in ('unknown', 'weak', 'dead')")
    # A comparison taken up again finds the same differences; each stands once.
    op.execute("""delete from difference d using difference e where d.reconciliation_id = e.reconciliation_id and d.handoff_id = e.handoff_id
                  and d.kind = e.kind and d.id > e.id""")
    op.create_index("difference_once", "difference", ["reconciliation_id", "handoff_id", "kind"], unique=True)
    op.drop_index("difference_by_run", "difference")


def downgrade() -> None:
    raise RuntimeError("this migration cannot be undone")
