"""A duty that was done may come up again: kind and reference are unique among the open ones only."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("duty_once", "duty", type_="unique")
    op.create_index("duty_once", "duty", ["kind", "ref"], unique=True, postgresql_where=sa.text("closed_at is null"))


def downgrade() -> None:
    # Duties of one kind and reference may stand there twice by now, which the old rule would refuse.
    raise RuntimeError("this migration cannot be undone")
