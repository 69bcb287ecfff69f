"""Dead letters that are sent again, with why they were given up; and messages as they came in the outbox."""

from alembic import op

revision = "0033"
down_revision = "0032"

_KINDS = """
alter table outbox drop constraint outbox_kind_check, add constraint outbox_kind_check check (kind in ({}))
"""


def upgrade() -> None:
    """Expand."""
    op.execute(_KINDS.format("'task', 'event', 'erase', 'message'"))
    op.execute("""
    alter table dead_letters
      add reason text,
      add redriven_at timestamptz,
      add redriven_by text,
      add returned integer not null default 0 check (returned >= 0);
    create index dead_letters_kept on dead_letters (subscription, id) where redriven_at is null;
    comment on column dead_letters.returned is 'How often it was given up again after it was sent again.';
    """)


def downgrade() -> None:
    """Contract."""
    op.execute("delete from outbox where kind = 'message'")
    op.execute(_KINDS.format("'task', 'event', 'erase'"))
    op.execute("""
    drop index dead_letters_kept;
    alter table dead_letters drop reason, drop redriven_at, drop redriven_by, drop returned;
    """)
