"""The SQL that makes a table a tenant's: row-level security, forced, and the roles' grants."""

CURRENT = "nullif(current_setting('app.account', true), '')"
PERSON = "nullif(current_setting('app.user', true), '')"
IDENTITY = "nullif(current_setting('app.identity', true), '')"


def tenant(table: str, grants: str, column: str = "account_id") -> str:
    """Rows are seen and written only under their own account, by both roles; `grants` are the verbs."""
    return f"""
    alter table {table} enable row level security;
    alter table {table} force row level security;
    create policy tenant on {table} to imangor_app, imangor_system
      using ({column} = {CURRENT}) with check ({column} = {CURRENT});
    grant {grants} on {table} to imangor_app, imangor_system;
    """


def crossing(table: str, grants: str) -> str:
    """Besides, the system role sees every row of this table."""
    return f"""
    create policy crossing on {table} to imangor_system using (true) with check (true);
    grant {grants} on {table} to imangor_system;
    """


def members() -> str:
    """The people of the current account, as a subquery."""
    return f"(select user_id from memberships where account_id = {CURRENT})"
