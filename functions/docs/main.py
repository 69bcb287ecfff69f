"""The API's own description, and whether the service is well."""

from __future__ import annotations

from shared.context import Context
from shared.core.errors import NotFound
from shared.core.health import Health, Unready
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.reference.page import HEADERS, FileName
from shared.selftest.errors import NotTestedYet, SelfTestFailed
from shared.selftest.schemas import SelfTest


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


@http.get("/selftest", auth=None, rate="60/minute", transaction=False, errors=[NotTestedYet, SelfTestFailed])
def get_selftest(ctx: Context) -> SelfTest:
    """Read what came of the last self-test, which translates a card from end to end; this begins none.

    A problem where it failed or is too old has the whole of it as its member `selftest`.
    """
    return ctx.selftest.last()


@http.get("/docs", auth=None, rate="60/minute", transaction=False, produces="text/html", errors=[NotFound])
def get_reference(ctx: Context) -> Reply[bytes]:
    """Read this API's reference as a page, where operations can be tried with a key or token."""
    page = ctx.reference.file()
    return Reply(page.data, HEADERS, media_type=page.media_type, etag=page.etag)


@http.get("/docs/{asset}", auth=None, rate="600/minute", transaction=False, produces="*/*", errors=[NotFound])
def get_reference_file(ctx: Context, asset: FileName) -> Reply[bytes]:
    """Read a file of the reference page."""
    found = ctx.reference.file(asset)
    return Reply(found.data, HEADERS, media_type=found.media_type, etag=found.etag)


docs = mount("docs", get_openapi, healthz, readyz, get_selftest, get_reference, get_reference_file)
