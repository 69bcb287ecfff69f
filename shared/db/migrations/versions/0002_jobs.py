"""Jobs and their targets, with the state machine kept by the database."""

from alembic import op

from shared.db.migrations.tenancy import tenant

revision = "0002"
down_revision = "0001"

_TRANSITIONS = {
    "job": {
        "awaiting_upload": ["queued", "failed", "cancelled", "expired"],
        "queued": ["processing", "failed", "cancelled"],
        "processing": ["completed", "partly_completed", "failed", "cancelled"],
    },
    "target": {
        "pending": ["processing", "failed", "cancelled"],
        "processing": ["in_review", "done", "failed", "cancelled"],
        "in_review": ["done", "failed", "cancelled"],
    },
}


def upgrade() -> None:
    """Expand."""
    op.execute("""
    create table state_transitions (
      entity text, from_state text, to_state text, primary key (entity, from_state, to_state)
    );
    grant select on state_transitions to imangor_app, imangor_system;

    create function guard_state() returns trigger language plpgsql as $$
    begin
      if new.state is distinct from old.state and not exists (
        select from state_transitions
        where entity = tg_argv[0] and from_state = old.state and to_state = new.state
      ) then
        raise exception '% cannot go from % to %', tg_argv[0], old.state, new.state
          using errcode = 'IM001';
      end if;
      return new;
    end $$;

    create table jobs (
      id text primary key,
      account_id text not null references accounts,
      parent_id text,
      created_by text not null,
      origin text not null check (origin in ('upload', 'inbox', 'parent')),
      medium text not null default 'picture' check (medium in ('picture')),
      state text not null check (state in ('awaiting_upload', 'queued', 'processing', 'completed',
        'partly_completed', 'failed', 'cancelled', 'expired')),
      name text not null,
      source_language text,
      source_object text not null,
      source_generation bigint,
      source_media_type text,
      source_bytes bigint,
      results_prefix text not null,
      error jsonb,
      version integer not null default 1,
      created_at timestamptz not null default clock_now(),
      updated_at timestamptz not null default clock_now(),
      finished_at timestamptz,
      deleted_at timestamptz,
      unique (account_id, id),
      foreign key (account_id, parent_id) references jobs (account_id, id)
    );
    create index on jobs (account_id, created_at desc, id desc) where deleted_at is null;
    create index on jobs (source_object, source_generation);
    create unique index jobs_once_per_object on jobs (source_object, source_generation)
      where origin = 'inbox';
    create trigger guard_state before update on jobs for each row execute function guard_state('job');

    create table job_targets (
      job_id text not null,
      account_id text not null references accounts,
      language text not null,
      state text not null default 'pending' check (state in ('pending', 'processing', 'in_review',
        'done', 'failed', 'cancelled')),
      result_object text,
      result_media_type text,
      result_bytes bigint,
      flags jsonb not null default '{}',
      error jsonb,
      started_at timestamptz,
      finished_at timestamptz,
      primary key (job_id, language),
      foreign key (account_id, job_id) references jobs (account_id, id)
    );
    create trigger guard_state before update on job_targets
      for each row execute function guard_state('target');
    """)
    rows = [(e, a, b) for e, moves in _TRANSITIONS.items() for a, to in moves.items() for b in to]
    values = ", ".join(f"('{e}', '{a}', '{b}')" for e, a, b in rows)
    op.execute(f"insert into state_transitions values {values}")
    op.execute(tenant("jobs", "select, insert, update"))
    op.execute(tenant("job_targets", "select, insert, update"))


def downgrade() -> None:
    """Contract."""
    op.execute("drop table job_targets, jobs, state_transitions; drop function guard_state()")
