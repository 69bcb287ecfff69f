"""What an account that is closed takes: only the eraser's role may delete its rows, and none are added.

From its closing on, nothing is added to an account but what tells of the erasure: a trigger refuses it, so
that work that was under way leaves nothing behind. Each table is changed in a transaction of its own: one
that held many tables, which requests use in other orders, would end in a deadlock. So all of it can be done
again where it was cut off.
"""

from alembic import op

from shared.db.migrations.tenancy import CURRENT

revision = "0034"
down_revision = "0033"

_ERASED = (
    *("job_steps", "scene_translations", "scenes", "provider_results", "deadlines", "job_targets"),
    *(
        "quotes",
        "spending",
        "trial_days",
        "webhook_deliveries",
        "webhook_secrets",
        "webhook_events",
        "webhook_endpoints",
    ),
    *("oauth_grants", "invitations", "memberships", "api_keys", "idempotency_keys", "account_exports"),
    *("emails", "leases", "outbox", "data_keys", "dead_letters"),
)
# Leases, tasks, letters and credits given back are the erasure's own; the others hold ids alone.
_STILL_WRITTEN = {"leases", "outbox", "emails", "spending", "dead_letters", "idempotency_keys"}
_REFUSED = (*(table for table in _ERASED if table not in _STILL_WRITTEN), "jobs")


_DELETED = """
grant delete on {table} to imangor_eraser;
drop policy if exists only_closed on {table};
create policy only_closed on {table} as restrictive for delete to imangor_eraser
  using (exists (select from accounts where id = {current} and deleted_at is not null));
"""
_ADDED = """
create or replace trigger refuse_closed before insert on {table}
  for each row execute function refuse_closed();
"""
_NOT_DELETED = "drop policy if exists only_closed on {table}; revoke delete on {table} from imangor_eraser"


def upgrade() -> None:
    """Expand."""
    for table in _REFUSED:
        _alone(_ADDED.format(table=table))
    for table in _ERASED:
        _alone(_DELETED.format(table=table, current=CURRENT))


def downgrade() -> None:
    """Contract. Accounts that are closed can be added to."""
    for table in _ERASED:
        _alone(_NOT_DELETED.format(table=table))
    for table in _REFUSED:
        _alone(f"drop trigger if exists refuse_closed on {table}")


def _alone(statements: str) -> None:
    """Run them in a transaction of their own. In alembic's `autocommit_block` pg8000 would leave one open."""
    op.execute(statements)
    op.execute("commit")
