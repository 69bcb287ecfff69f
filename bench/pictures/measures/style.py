"""Whether the look of a text was recognised: its family, its slant, and what its letters wear."""

from __future__ import annotations

from bench.pictures.adornment import KINDS
from bench.pictures.measures.layout import Reason, blocks_of
from bench.pictures.subject import Outcome
from bench.pictures.truth import Page, TrueBlock
from shared.scenes.schemas import Style

LEAST_SIZE = 24.0
"""Pixels an em from which looks count: below, letters have too few of them."""
STYLES = ("serif or mono", "italic", *KINDS)
_COMPARED = frozenset({"Latin", "Cyrillic", "Greek", "Hebrew", "Arabic"})
"""Scripts of which the product has faces of more than one family."""
_JOINED = frozenset({"Arabic"})
"""Scripts whose letters fill the row of their baseline, so that a rule below them cannot be told."""


def recognised(page: Page, made: Outcome) -> tuple[dict[str, list[int]], list[Reason]]:
    """For each look the lines rightly claimed to have it, all so claimed, all that have it; and errors.

    Prices are drawn in a typeface of their own and do not count.
    """
    counts = {name: [0, 0, 0] for name in STYLES}
    why: list[Reason] = []
    styles = {block.id: block.style for block in made.scene.blocks}
    for line, block in page.lines:
        if block.size < LEAST_SIZE or block.kind == "price":
            continue
        for name in blocks_of(line, made.scene.blocks):
            for look, claimed, true in _looks(styles[name], block, page.script):
                right = claimed == true
                counts[look][0] += right and bool(true)
                counts[look][1] += bool(claimed)
                counts[look][2] += bool(true)
                if not right:
                    said = f"{look}: {claimed!r} for {true!r} ({block.font}), {line.text!r}"
                    why.append((said, line.quad))
    return counts, why


def _looks(style: Style, block: TrueBlock, script: str) -> list[tuple[str, str | bool, str | bool]]:
    """Each look that a script has, as claimed and as true, falsy where it is absent."""
    found: list[tuple[str, str | bool, str | bool]] = []
    if script in _COMPARED:
        family, true = ("" if name == "sans" else name for name in (style.family, block.family))
        found += [("serif or mono", family, true), ("italic", style.italic, block.italic)]
    if script not in _JOINED:
        found.append(("underline", style.underline, block.worn == "underline"))
    found.append(("outline", style.outline is not None, block.worn == "outline"))
    found.append(("shadow", style.shadow is not None, block.worn == "shadow"))
    return found
