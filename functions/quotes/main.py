"""/v1/quotes: what a job would cost, before anything runs."""

from __future__ import annotations

from shared.context import Context
from shared.core.errors import UnsupportedMedia
from shared.edge import http
from shared.edge.http import Reply, Upload, mount
from shared.imaging.errors import TooManyPages, TooManyPixels, UnreadablePicture
from shared.probes.facts import TooMuchInside, UnreadableFile
from shared.quotes.errors import QuoteNotFound
from shared.quotes.schemas import CreateQuote, Quote, QuoteId
from shared.translation.errors import UnsupportedLanguage

FILE_ERRORS = [
    UnreadableFile,
    UnreadablePicture,
    UnsupportedMedia,
    TooManyPixels,
    TooManyPages,
    TooMuchInside,
]


@http.post(
    "/",
    auth="jobs:write",
    rate="120/minute",
    status=201,
    errors=[UnsupportedLanguage, *FILE_ERRORS],
)
def create_quote(ctx: Context, body: CreateQuote, file: Upload | None) -> Reply[Quote]:
    """Find out what a job would cost.

    Send the file as multipart (up to 20 MB), or as JSON a text, or a medium and how much of it there is.
    A job that names the quote within an hour is never charged more. A language for which exactly this
    picture was read and translated before costs nothing.
    """
    quote = ctx.quotes.create(ctx.caller, body, file)
    return Reply(quote, headers={"Location": f"/v1/quotes/{quote.id}"})


@http.get("/{quote_id}", auth="jobs:read", rate="300/minute", errors=[QuoteNotFound])
def get_quote(ctx: Context, quote_id: QuoteId) -> Quote:
    """Read a quote; it is kept for a week after it expired."""
    return ctx.quotes.get(quote_id)


quotes = mount("quotes", create_quote, get_quote)
