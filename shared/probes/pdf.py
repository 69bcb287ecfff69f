"""The pages of a PDF."""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

from shared.probes.facts import Facts, UnreadableFile

_PASSWORD: Final = "Incorrect password error"  # noqa: S105 - what PDFium says, not a secret
# PDFium is not safe for threads.
_one_at_a_time = Lock()


def pdf_facts(data: bytes) -> Facts:
    """Count the pages with PDFium. Raises `UnreadableFile`, also for a file that wants a password."""
    import pypdfium2

    # PDFium's binding carries no types.
    pdfium: Any = pypdfium2
    with _one_at_a_time:
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            why = "wants a password" if _PASSWORD in str(error) else "cannot be read"
            raise UnreadableFile(f"The PDF {why}.") from None
        try:
            pages = len(document)
        finally:
            document.close()
    if pages < 1:
        raise UnreadableFile("The PDF has no pages.")
    return Facts("document", "application/pdf", pages=pages)
