"""Alembic's entry: runs the migrations as the tables' owner on the connection that `migrate` gives it."""

from alembic import context

config = context.config
connection = config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True, version_table_schema="public")
with context.begin_transaction():
    context.run_migrations()
