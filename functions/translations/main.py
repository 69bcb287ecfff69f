"""/v1/languages: what this deployment translates between."""

from __future__ import annotations

from shared.context import Context
from shared.edge import http
from shared.edge.http import mount
from shared.translation.languages import LanguageList


@http.get("/", auth="jobs:read", trial="begins", rate="300/minute", transaction=False)
def list_languages(ctx: Context) -> LanguageList:
    """List the languages, and whether each can be translated from and into.

    Where the deployment has a trial, a page may begin it with this.
    """
    return LanguageList(languages=ctx.languages.all())


translations = mount("translations", list_languages)
