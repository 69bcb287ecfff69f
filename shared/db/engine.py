"""The process's connection pool, made on first use: after gunicorn forked, and only where it is needed."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from shared.core.config import DatabaseSettings, Misconfigured, pool_size
from shared.db.errors import DatabaseDown
from shared.db.tracing import trace_statements

if TYPE_CHECKING:
    from sqlalchemy import Engine


@cache
def engine() -> Engine:
    """The engine of this process. By URL, or through the Cloud SQL connector with IAM login."""
    from sqlalchemy import create_engine

    _convert_each_statement_once()
    settings = DatabaseSettings.load()
    options: dict[str, Any] = {
        "pool_size": pool_size(settings.concurrency),
        "max_overflow": 0,
        "pool_timeout": 10,
        "pool_recycle": 1800,
        "hide_parameters": True,
    }
    if settings.instance_connection_name:
        made = create_engine("postgresql+pg8000://", creator=_cloud_sql(settings), **options)
    elif settings.database_url:
        # A TLS context that is not used costs 35 ms a process; a plain URL is for loopback only.
        plain = {"ssl_context": False, "timeout": 40}
        made = create_engine(settings.database_url, connect_args=plain, **options)
    else:
        raise Misconfigured("Neither DATABASE_URL nor INSTANCE_CONNECTION_NAME is set.")
    trace_statements(made)
    return made


def _convert_each_statement_once() -> None:
    """Let pg8000 remember how it numbered a statement's placeholders.

    It reads the statement character by character at every execution, which for ours takes as long as the
    server does; the outcome depends on nothing but the text.
    """
    legacy: Any = import_module("pg8000.legacy")
    original = legacy.convert_paramstyle
    if hasattr(original, "remembered"):
        return

    @lru_cache(maxsize=1024)
    def numbered(statement: str) -> str:
        return str(original("format", statement, ())[0])

    def convert(style: str, statement: str, arguments: Any) -> tuple[str, Any]:
        return (
            (numbered(statement), arguments) if style == "format" else original(style, statement, arguments)
        )

    convert.remembered = True  # type: ignore[attr-defined]
    legacy.convert_paramstyle = convert


def _cloud_sql(settings: DatabaseSettings) -> Any:
    """Connect through the connector: private IP, IAM login, certificates refreshed only when connecting.

    `lazy` because a background refresh does not run while Cloud Run withholds the CPU. What hinders it before
    there is a connection (Cloud SQL's Admin API, a token, the network) is `DatabaseDown`, not an error of
    the driver's.
    """
    from aiohttp import ClientError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.sql.connector import Connector, IPTypes

    connector = Connector(refresh_strategy="lazy", ip_type=IPTypes.PRIVATE)

    def connect() -> Any:
        try:
            return connector.connect(
                str(settings.instance_connection_name),
                "pg8000",
                user=settings.database_user,
                db=settings.database_name,
                enable_iam_auth=True,
                ssl_context=False,  # the socket is TLS; the driver would ask for it once more, inside
            )
        except (ClientError, GoogleAuthError, OSError) as error:
            raise DatabaseDown() from error

    return connect
