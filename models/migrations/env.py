"""Alembic's entry: runs on the connection that `models.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

import models.delivery_tables
import models.tables  # noqa: F401  (both fill the metadata)

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
