"""Review and re-review, arbiters, splitting and linking, recusal, clock tracks, and the three proposals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ENDS = "'CLOSED','CONCLUDED','SPLIT','LINKED'"
_HELD = "(state in ({0}) and holder is null and next_due is null) or (state not in ({0}) and holder is not null and next_due is not null)"


def upgrade() -> None:
    for column in (
        sa.Column("stage", sa.String(), nullable=False, server_default="handling"),
        sa.Column("arbiter", sa.String(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("parent_petition_no", sa.String(), sa.ForeignKey("petition.petition_no"), nullable=True),
        sa.Column("first_petition_no", sa.String(), nullable=True),
        sa.Column("recused", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("content_key", sa.LargeBinary(), nullable=True),
        sa.Column("note_salt", sa.LargeBinary(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("petition", column)
    op.create_index("petition_parts", "petition", ["parent_petition_no"], postgresql_where=sa.text("parent_petition_no is not null"))
    op.drop_constraint("petition_held", "petition", type_="check")
    op.create_check_constraint("petition_held", "petition", _HELD.format(_ENDS))
    op.add_column("handoff", sa.Column("stage", sa.String(), nullable=False, server_default="handling"))
    op.add_column("handoff", sa.Column("track", sa.String(), nullable=False, server_default=""))
    op.add_column("handoff", sa.Column("set_limit", sa.String(), nullable=False, server_default=""))
    op.add_column("handoff", sa.Column("told_out", sa.Integer(), nullable=False, server_default="0"))
    # What a body believed so far rests on all that it gave a receipt for.
    op.execute("update handoff set told_out = acked_out")
    op.create_table(
        "matter",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("petition_no", sa.Text(), sa.ForeignKey("petition.petition_no"), primary_key=True),
    )
    op.create_table(
        "refusal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("petition_no", sa.String(), nullable=True),
        sa.Column("handoff_id", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
    )
    op.create_index("refusal_by_petition", "refusal", ["petition_no"])
    op.create_table(
        "proposal",
        sa.Column("proposal_id", sa.String(), primary_key=True),
        sa.Column("petition_no", sa.String(), sa.ForeignKey("petition.petition_no"), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("to_body", sa.String(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("feedback_due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adopted", sa.String(), nullable=False),
        sa.Column("feedback_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("proposal_by_petition", "proposal", ["petition_no"])
    op.create_index("proposal_open", "proposal", ["feedback_due"], postgresql_where=sa.text("closed_at is null"))


def downgrade() -> None:
    # Petitions may stand in states by now that the old check would refuse.
    raise RuntimeError("this migration cannot be undone")
