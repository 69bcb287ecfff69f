"""Blocks that were meant to look the same get the same size, weight and ink again."""

from __future__ import annotations

import numpy as np

from shared.imaging.ink.colours import from_hex, to_hex
from shared.imaging.ink.ground import to_lab
from shared.scenes.schemas import Block, Style

_SIZES = 1.09  # largest ratio of sizes that is taken for the same
_COLOURS = 12.0  # CIELAB


def harmonised(blocks: list[Block]) -> list[Block]:
    """Replace size, weight and ink of blocks that differ by no more than measuring does by their medians."""
    styles = [block.style for block in blocks]
    chosen = list(styles)
    left = sorted(range(len(blocks)), key=lambda i: (styles[i].size, i))
    while left:
        alike = [i for i in left if _same(styles[left[0]], styles[i])]
        left = [i for i in left if i not in alike]
        if len(alike) > 1:
            # A long text is measured better than a short one.
            common = _common([styles[i] for i in alike for _ in range(min(60, len(blocks[i].text)))])
            for i in alike:
                chosen[i] = styles[i].model_copy(update=common)
    return [block.model_copy(update={"style": style}) for block, style in zip(blocks, chosen, strict=True)]


def _same(a: Style, b: Style) -> bool:
    if max(a.size, b.size) > _SIZES * min(a.size, b.size) or abs(a.weight - b.weight) > 100:
        return False
    colours = np.array([[from_hex(a.ink), from_hex(b.ink), from_hex(a.ground), from_hex(b.ground)]])
    lab = to_lab(colours.astype(np.uint8))[0]
    inks, grounds = np.linalg.norm(lab[0] - lab[1]), np.linalg.norm(lab[2] - lab[3])
    return bool(inks < _COLOURS and grounds < _COLOURS)


def _common(styles: list[Style]) -> dict[str, object]:
    """Medians of the styles."""
    inks = np.median([from_hex(style.ink) for style in styles], axis=0)
    weight = float(np.median([style.weight for style in styles]))
    return {
        "size": round(float(np.median([style.size for style in styles])), 2),
        "weight": int(100 * round(weight / 100)),
        "ink": to_hex([round(float(channel)) for channel in inks]),
    }
