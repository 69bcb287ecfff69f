"""The trial: how many pictures visitors sent on a day, and whose of their jobs a visitor sees."""

from alembic import op

from shared.db.migrations.tenancy import tenant

revision = "0028"
down_revision = "0027"

_VISITOR = "nullif(current_setting('app.visitor', true), '')"


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table trial_days (
      account_id text not null references accounts,
      day date not null,
      pictures bigint not null check (pictures > 0),
      primary key (account_id, day)
    );
    comment on table trial_days is 'Pictures that visitors sent, by the UTC day on which they were accepted.';
    alter table jobs drop constraint jobs_origin_check, add constraint jobs_origin_check
      check (origin in ('upload', 'inbox', 'parent', 'trial'));
    """)
    op.execute(tenant("trial_days", "select, insert, update (pictures)"))
    # All visitors have their jobs in one account. These come on top of the account's policy: where a visitor
    # is set, only what they made is there. A job's targets are inserted by the statement that inserts the
    # job, which they do not see yet, so only reading them asks for it.
    op.execute(f"""
    create policy visitor on jobs as restrictive to imangor_app
      using ({_VISITOR} is null or created_by = {_VISITOR});
    create policy visitor on job_targets as restrictive for select to imangor_app
      using ({_VISITOR} is null or exists (select from jobs where id = job_id and created_by = {_VISITOR}));
    create policy visitor on scenes as restrictive to imangor_app
      using ({_VISITOR} is null or exists (select from jobs where id = job_id and created_by = {_VISITOR}));
    create policy visitor on scene_translations as restrictive to imangor_app
      using ({_VISITOR} is null or exists (select from jobs where id = job_id and created_by = {_VISITOR}));
    """)


def downgrade() -> None:
    """Contract. What visitors sent becomes what anybody sent."""
    op.execute("""
    drop policy visitor on jobs; drop policy visitor on job_targets;
    drop policy visitor on scenes; drop policy visitor on scene_translations;
    alter table jobs no force row level security;
    update jobs set origin = 'upload' where origin = 'trial';
    alter table jobs force row level security;
    alter table jobs drop constraint jobs_origin_check, add constraint jobs_origin_check
      check (origin in ('upload', 'inbox', 'parent'));
    drop table trial_days;
    """)
