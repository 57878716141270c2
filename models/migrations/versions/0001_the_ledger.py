"""The ledger: petitions, hand-offs, messages, clocks, duties, journal, reconciliation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_NO_CHANGE = """
create function journal_no_change() returns trigger language plpgsql as $$
begin
  raise exception 'the journal is append-only';
end $$
"""


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempt_by_message", "attempt", ["message_id"], unique=False)
    op.create_table(
        "body",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_reason", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "document",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index("document_by_petition", "document", ["petition_no"], unique=False)
    op.create_table(
        "duty",
        sa.Column("duty_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=True),
        sa.Column("handoff_id", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("zh", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state_bound", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("escalations", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("duty_id"),
        sa.UniqueConstraint("kind", "ref", name="duty_once"),
    )
    op.create_index(
        "duty_by_petition", "duty", ["petition_no"], unique=False, postgresql_where=sa.text("closed_at is null")
    )
    op.create_index("duty_due", "duty", ["due_at"], unique=False, postgresql_where=sa.text("closed_at is null"))
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("body", "message_id", name="inbox_message"),
    )
    op.create_index("inbox_by_handoff", "inbox", ["handoff_id", "sequence"], unique=False)
    op.create_index(
        "inbox_held", "inbox", ["handoff_id", "sequence"], unique=False, postgresql_where=sa.text("state = 'HELD'")
    )
    op.create_index("inbox_waiting", "inbox", ["id"], unique=False, postgresql_where=sa.text("state = 'RECEIVED'"))
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=True),
        sa.Column("from_state", sa.String(), nullable=False),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("next_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("petition_no", "seq", name="journal_chain"),
    )
    op.create_table(
        "petition",
        sa.Column("petition_no", sa.String(), nullable=False),
        sa.Column("bureau", sa.String(), nullable=False),
        sa.Column("division", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("klass", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("subject_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("origin_ref", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("next_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_handoff", sa.String(), nullable=True),
        sa.Column("handoffs", sa.Integer(), nullable=False),
        sa.Column("returned_by", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("journal_seq", sa.Integer(), nullable=False),
        sa.Column("journal_head", sa.LargeBinary(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state in ('CLOSED') and holder is null and next_due is null) or (state not in ('CLOSED') and holder is not null and next_due is not null)",
            name="petition_held",
        ),
        sa.PrimaryKeyConstraint("petition_no"),
        sa.UniqueConstraint("origin", "origin_ref", name="petition_origin"),
    )
    op.create_index(
        "petition_due", "petition", ["next_due"], unique=False, postgresql_where=sa.text("next_due is not null")
    )
    op.create_index(
        "petition_waiting", "petition", ["petition_no"], unique=False, postgresql_where=sa.text("state = 'REGISTERED'")
    )
    op.create_table(
        "petition_counter",
        sa.Column("division", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("division", "day"),
    )
    op.create_table(
        "receipt",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("receipt_id", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("for_day", sa.Date(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("days_differing", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("healed", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("body", "for_day", "run", name="reconciliation_once"),
    )
    op.create_table(
        "clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("owes", sa.String(), nullable=False),
        sa.Column("limit", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ring_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("warned", sa.Integer(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["petition_no"],
            ["petition.petition_no"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("clock_by_handoff", "clock", ["handoff_id"], unique=False)
    op.create_index("clock_open", "clock", ["petition_no"], unique=False, postgresql_where=sa.text("state = 'OPEN'"))
    op.create_index(
        "clock_ringing",
        "clock",
        ["ring_at"],
        unique=False,
        postgresql_where=sa.text("state = 'OPEN' and paused_at is null"),
    )
    op.create_table(
        "difference",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reconciliation_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ours", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("theirs", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("healed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duty_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("difference_by_handoff", "difference", ["handoff_id"], unique=False)
    op.create_index("difference_by_run", "difference", ["reconciliation_id"], unique=False)
    op.create_table(
        "handoff",
        sa.Column("handoff_id", sa.String(), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=False),
        sa.Column("parent_handoff_id", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("route_row", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("next_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("partner_case_no", sa.String(), nullable=True),
        sa.Column("seq_out", sa.Integer(), nullable=False),
        sa.Column("acked_out", sa.Integer(), nullable=False),
        sa.Column("seq_in", sa.Integer(), nullable=False),
        sa.Column("partner_state", sa.String(), nullable=False),
        sa.Column("partner_round", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_day", sa.Date(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("refused_grounds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state in ('RETURNED','CLOSED','WITHDRAWN') and holder is null and next_due is null) or (state not in ('RETURNED','CLOSED','WITHDRAWN') and holder is not null and next_due is not null)",
            name="handoff_held",
        ),
        sa.ForeignKeyConstraint(
            ["petition_no"],
            ["petition.petition_no"],
        ),
        sa.PrimaryKeyConstraint("handoff_id"),
    )
    op.create_index("handoff_by_day", "handoff", ["body", "issued_day"], unique=False)
    op.create_index("handoff_by_petition", "handoff", ["petition_no"], unique=False)
    op.create_index(
        "handoff_due", "handoff", ["next_due"], unique=False, postgresql_where=sa.text("next_due is not null")
    )
    op.create_index(
        "handoff_one_open",
        "handoff",
        ["petition_no"],
        unique=True,
        postgresql_where=sa.text("state not in ('RETURNED','CLOSED','WITHDRAWN')"),
    )
    op.create_table(
        "petitioner",
        sa.Column("petition_no", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_no"],
            ["petition.petition_no"],
        ),
        sa.PrimaryKeyConstraint("petition_no"),
    )
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=False),
        sa.Column("petition_no", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("partner_state", sa.String(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["handoff_id"],
            ["handoff.handoff_id"],
        ),
        sa.PrimaryKeyConstraint("message_id"),
        sa.UniqueConstraint("handoff_id", "sequence", name="outbox_sequence"),
    )
    op.create_index(
        "outbox_due",
        "outbox",
        ["body", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state in ('QUEUED','RETRY_WAIT','UNKNOWN')"),
    )
    op.create_index(
        "outbox_open",
        "outbox",
        ["handoff_id", "sequence"],
        unique=False,
        postgresql_where=sa.text("state not in ('RECEIPTED','WEAK_RECEIPT','DEAD')"),
    )
    op.create_index(
        "outbox_sending", "outbox", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'SENDING'")
    )
    op.execute(_NO_CHANGE)
    op.execute(
        "create trigger journal_append_only before update or delete on journal for each row execute function journal_no_change()"
    )
    op.execute(
        "create trigger journal_no_truncate before truncate on journal for each statement execute function journal_no_change()"
    )


def downgrade() -> None:
    # A ledger is not taken apart by a migration: whoever means it drops the database.
    raise RuntimeError("the first migration cannot be undone; drop the database instead")
