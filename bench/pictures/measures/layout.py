"""Measures of where text stands: grouping, boxes, and ink that left the room it has."""

from __future__ import annotations

import itertools

import numpy as np

from bench.pictures.areas import around, covered, grown, holds, overlap
from bench.pictures.measures.pixels import changed, ink
from bench.pictures.subject import Outcome
from bench.pictures.truth import Mask, Page, Quad, TrueBlock, TrueLine
from shared.scenes.schemas import Block

FREE = 0.5  # ems around a line of text that an eraser may touch
Reason = tuple[str, Quad]
"""What is not perfect, and where in the picture it is."""
_RIM = 1.5  # pixels that anti-aliasing may add to a polygon


def blocks_of(line: TrueLine, blocks: list[Block]) -> set[str]:
    """The blocks that hold any word of a true line, by the middles of the words."""
    found = set()
    for block in blocks:
        quads = [np.array(q) for each in block.lines for q in (each.words or [each.polygon])]
        middles = [quad.mean(axis=0) for quad in quads]
        own = any(holds(line.quad, middle) for middle in middles)
        if own or any(holds(quad, line.quad.mean(axis=0)) for quad in quads):
            found.add(block.id)
    return found


def grouping(page: Page, blocks: list[Block]) -> tuple[int, int, int, list[Reason]]:
    """Pairs of lines in one paragraph: rightly joined, wrongly joined, wrongly parted; and what is wrong."""
    lines = [(line, i) for i, block in enumerate(page.blocks) for line in block.lines]
    found = [blocks_of(line, blocks) for line, _ in lines]
    right = joined = parted = 0
    why: list[Reason] = []
    for a, b in itertools.combinations(range(len(lines)), 2):
        truly, claimed = lines[a][1] == lines[b][1], bool(found[a] & found[b])
        right += truly and claimed
        joined += claimed and not truly
        parted += truly and not claimed
        if truly != claimed:
            what = "joined" if claimed else "parted"
            pair = lines[a][0], lines[b][0]
            said = f"{what}: {pair[0].text} | {pair[1].text}"
            why.append((said, around(line.quad for line in pair)))
    return right, joined, parted, why


def order(page: Page, blocks: list[Block]) -> tuple[int, int]:
    """Of all pairs of neighbours in the true reading order, how many are read in that order, and how many."""
    place = {block.id: i for i, block in enumerate(blocks)}
    spots = []
    for block in page.blocks:
        held = set().union(*(blocks_of(line, blocks) for line in block.lines))
        if held:
            spots.append(min(place[name] for name in held))
    return sum(a <= b for a, b in itertools.pairwise(spots)), max(0, len(spots) - 1)


def recall(page: Page, blocks: list[Block]) -> tuple[int, int, int, int]:
    """True lines found with an overlap of a half: of those that count, and of all; each with its total."""
    quads = [np.array(line.polygon) for block in blocks for line in block.lines]
    counted = found_counted = found = 0
    for line, block in page.lines:
        hit = any(overlap(line.quad, quad) >= 0.5 for quad in quads)
        counts = block.size >= 16 and block.contrast >= 3 and page.quality >= 70
        counted += counts
        found += hit
        found_counted += counts and hit
    return found_counted, counted, found, len(page.lines)


def regions(page: Page, made: Outcome) -> Mask:
    """Where a result may differ from its source: around its texts, and where the product meant to draw."""
    quads = [grown(line.quad, FREE * block.size + 2) for line, block in page.lines]
    sizes = {block.id: block.style.size for block in made.changed}
    quads += [
        grown(np.array(line.polygon), FREE * sizes[block.id] + 2)
        for block in made.changed
        for line in block.lines
    ]
    quads += [grown(drawn.allowed, _RIM) for drawn in made.drawn.values()]
    return covered(page.blank.shape[:2], quads)


def outside(page: Page, made: Outcome) -> int:
    """Pixels outside all regions that changed."""
    return int((changed(made.result, page.picture.rgb) & ~regions(page, made)).sum())


def overflow(page: Page, made: Outcome) -> tuple[int, list[Reason]]:
    """Pixels of ink beyond a block's own frame or cell, on frames, on other texts; and whose they are."""
    shape = page.blank.shape[:2]
    marks = ink(made.result, made.erased)
    claimed = covered(shape, [grown(drawn.allowed, _RIM) for drawn in made.drawn.values()])
    wrong = marks & ~claimed
    why: list[Reason] = []
    if wrong.any():
        why.append(("beyond what the product allowed itself", _extent(wrong)))
    for block in made.changed:
        where = made.drawn[block.id].ink
        if where is None:
            continue
        own = covered(shape, [grown(where, 1)]) & marks
        bad = own & ~_room(page, made, block)
        if bad.sum() > 2:
            wrong |= bad
            why.append((f"{int(bad.sum())} px of {block.id} ({block.text[:30]})", _extent(bad)))
    return int(wrong.sum()) if wrong.sum() > 2 else 0, why


def _extent(mask: Mask) -> Quad:
    """The upright box around what is marked."""
    rows, columns = np.nonzero(mask)
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def _room(page: Page, made: Outcome, block: Block) -> Mask:
    """Where a block's ink may be: its cell, without frames, other texts that stay, and other texts' ink."""
    shape = page.blank.shape[:2]
    own = [true for true in page.blocks if any(block.id in blocks_of(line, [block]) for line in true.lines)]
    cells = [true.cell for true in own if true.cell is not None]
    room = covered(shape, cells) if own and len(cells) == len(own) else np.ones(shape, bool)
    own_lines = covered(shape, [grown(line.quad, 1) for true in own for line in true.lines])
    kept = [b for b in made.scene.blocks if b.id not in made.drawn]
    stay = covered(shape, [np.array(line.polygon) for b in kept for line in b.lines]) & ~own_lines
    others = [d.ink for name, d in made.drawn.items() if name != block.id and d.ink is not None]
    # Where the source's own text touched a frame the new one may too.
    return room & ~(page.objects & ~own_lines) & ~stay & ~covered(shape, [grown(o, -1) for o in others])


def true_size(page: Page, block: Block) -> float | None:
    """The true em of a block's source, the largest of what it holds."""
    own: list[TrueBlock] = [
        true for true in page.blocks if any(blocks_of(line, [block]) for line in true.lines)
    ]
    return max((true.size for true in own), default=None)


def mask_of(page: Page, made: Outcome) -> Mask:
    """The lines whose text was to be taken out: the mask in which backgrounds are compared."""
    names = {block.id for block in made.changed}
    quads: list[Quad] = [
        grown(line.quad, 0.12 * block.size)
        for line, block in page.lines
        if blocks_of(line, made.scene.blocks) & names
    ]
    return covered(page.blank.shape[:2], quads) if quads else np.zeros(page.blank.shape[:2], bool)
