"""The API's own description, and whether the service is well."""

from __future__ import annotations

from shared.context import Context
from shared.core.health import Health, Unready
from shared.edge import http
from shared.edge.http import Reply, mount


@http.get("/openapi.json", auth=None, rate="60/minute", transaction=False)
def get_openapi(ctx: Context) -> Reply[bytes]:
    """Read the OpenAPI 3.1 document of this API."""
    return Reply(ctx.openapi(), headers={"Cache-Control": "public, max-age=300"})


@http.get("/healthz", auth=None, transaction=False)
def healthz() -> Health:
    """Tell whether the process answers."""
    return Health()


@http.get("/readyz", auth=None, rate="60/minute", transaction=False, errors=[Unready])
def readyz(ctx: Context) -> Health:
    """Tell whether the database answers, without which nothing works; and how Redis is."""
    return ctx.health.check()


docs = mount("docs", get_openapi, healthz, readyz)
