"""All measures of one page, as plain numbers that can be added up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.pictures import control
from bench.pictures.areas import covered, grown
from bench.pictures.baselines import BASELINES
from bench.pictures.measures import layout, style
from bench.pictures.measures.colour import ciede2000, drawn_colour, lab
from bench.pictures.measures.cost import SIZES, Subject, calls, memory, stages, total
from bench.pictures.measures.pixels import changed, psnr, remains, ssim
from bench.pictures.measures.text import distance, left_over, normal
from bench.pictures.pages import Case, draw
from bench.pictures.readers import Reading, read, read_at, readable, recognise, text_in
from bench.pictures.scripts import UNSPACED, scripts
from bench.pictures.subject import Outcome, outcome
from bench.pictures.truth import Page
from shared.scenes.schemas import Block, Flag
from shared.translation.protect import protected

BASELINES_EVERY = 5
LOCAL_EVERY = 3
LARGE_EVERY = 96
LEAST_SIZE, LEAST_SHARE = 8.0, 0.6
COLOUR = 5.0
LEFT_STANDING = 1 / 3
PLACES = "places"
Record = dict[str, Any]


def score(case: Case, only: frozenset[str]) -> Record:
    """Draw a page, let the product translate it from the true boxes, and measure; then from the engine's."""
    page = draw(case)
    record: Record = {"name": page.name, "case": [case.number, case.script, case.background, case.layout]}
    record |= {
        "own_fonts": case.own_fonts,
        "target": page.target,
        "vertical": page.blocks[0].vertical,
        "angle": round(page.angle, 1),
    }
    record |= {"megapixels": page.blank.shape[0] * page.blank.shape[1] / 1e6, "why": {}}
    made = outcome(page, page.recognition())
    record["true"] = measured(page, made, only, record["why"])
    record["places"] = record["why"].pop(PLACES, {})
    turn = is_turn(case.number, LOCAL_EVERY)
    if turn and only & {"recognition", "local"} and readable(page.language):
        recognition = recognise(page.picture.rgb, page.language)
        seen = outcome(page, recognition)
        record["recognition"] = _recognised(page, seen)
        if "local" in only:
            record["local"] = measured(page, seen, only - {"back", "baselines", "cost"}, {})
    if "baselines" in only and is_turn(case.number, BASELINES_EVERY):
        record["baselines"] = {name: _plain(page, made, name) for name in BASELINES}
    return record


def is_turn(number: int, every: int) -> bool:
    """Whether a page is one of those with a costly measure: one of `every`, of all scripts alike."""
    return (number + number // 10) % every == 0


def measured(page: Page, made: Outcome, only: frozenset[str], why: dict[str, Any]) -> Record:
    """The measures of one outcome; `why` gets what is to be said about those that are not perfect."""
    found: Record = {"drawn": len(made.drawn)}
    for name, measure in MEASURES.items():
        if name in only:
            found |= measure(page, made, why)
    return found


def _tell(why: dict[str, Any], about: str, *reasons: layout.Reason) -> None:
    """Say what is not perfect, and where in the picture it is."""
    for said, place in reasons:
        why.setdefault(about, []).append(said)
        why.setdefault(PLACES, {}).setdefault(about, []).append(np.asarray(place).round(1).tolist())


def _grouping(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    *pairs, reasons = layout.grouping(page, made.scene.blocks)
    _tell(why, "grouping", *reasons)
    return {"group": pairs, "order": layout.order(page, made.scene.blocks)}


def _overflow(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    pixels, reasons = layout.overflow(page, made)
    _tell(why, "overflow", *reasons)
    return {"overflow": pixels}


def _outside(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    pixels = layout.outside(page, made)
    why["outside"] = [f"{pixels} px"] if pixels else []
    return {"outside": pixels}


def _glyphs(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    missing = [(name, char) for name, drawn in made.drawn.items() for char in drawn.missing]
    why["glyphs"] = [f"{name} lacks {char!r}" for name, char in missing]
    return {"glyphs": len(missing)}


def _cost(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    found: Record = {"seconds": made.seconds, "calls": calls(made)}
    if is_turn(page.number, BASELINES_EVERY):
        found["stages"] = stages(Subject.of(page, made), page)
        found["floor"] = total(found["stages"])
    if page.number % LARGE_EVERY == LARGE_EVERY // 2 and made.drawn:
        for megapixels in SIZES:
            large = Subject.enlarged(page, made, megapixels * 1e6)
            found[f"stages {megapixels}"] = stages(large, page)
            found[f"floor {megapixels}"] = total(found[f"stages {megapixels}"])
        found["memory"] = memory(large)
    return found


def _background(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    where = layout.mask_of(page, made)
    if not where.any():
        return {}
    found: Record = {"erase": [psnr(made.erased, page.blank, where), ssim(made.erased, page.blank, where)]}
    for name, paint in BASELINES.items():
        plain = paint(page, made).erased
        found[f"erase {name}"] = [psnr(plain, page.blank, where), ssim(plain, page.blank, where)]
    return found


def _residue(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    """Each line read again where it stood; where something of it was read, also on the blank page."""
    if not readable(page.language):
        return {}
    names = {block.id for block in made.changed}
    lines = [
        (line.text, grown(line.quad, 0.15 * block.size))
        for line, block in page.lines
        if layout.blocks_of(line, made.scene.blocks) & names
    ]
    seen = read_at(made.erased, [quad for _, quad in lines], page.language)
    doubtful = [i for i, (text, _) in enumerate(lines) if left_over(text, seen[i])]
    blank = read_at(page.blank, [lines[i][1] for i in doubtful], page.language)
    total = 0
    for i, there in zip(doubtful, blank, strict=True):
        left = left_over(lines[i][0], seen[i], there)
        total += left
        if left:
            _tell(why, "residue", (f"{left} of {lines[i][0]!r} read as {seen[i]!r}", lines[i][1]))
    return {"residue": total}


def _standing(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    """Lines of which more than a third of the ink is left: what is too short for the engine to read."""
    names = {block.id for block in made.changed}
    shape, count = page.blank.shape[:2], 0
    for line, block in page.lines:
        if layout.blocks_of(line, made.scene.blocks) & names:
            where = covered(shape, [grown(line.quad, 0.1 * block.size)])
            share = remains(made.erased, page.picture.rgb, page.blank, where)
            if share > LEFT_STANDING:
                count += 1
                _tell(why, "standing", (f"{share:.0%} of {line.text!r}", line.quad))
    return {"standing": count}


def _legible(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    silent = flagged = 0
    for block in made.changed:
        least = max(LEAST_SIZE, LEAST_SHARE * (layout.true_size(page, block) or block.style.size))
        small = made.drawn[block.id].size < 0.99 * least
        told = bool({Flag.TOO_SMALL, Flag.OVERFLOW_RISK} & set(made.flags.get(block.id, [])))
        if small and not told:
            silent += 1
            said = f"{block.id} at {made.drawn[block.id].size:.1f} px of {least:.1f}"
            _tell(why, "legible", (said, made.drawn[block.id].allowed))
        flagged += small and told
    return {"legible": silent, "flagged": flagged}


def _colours(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    found: list[float] = []
    shape = page.blank.shape[:2]
    for block in made.changed:
        where = made.drawn[block.id].ink
        if where is None:
            continue
        drawn = drawn_colour(made.result, made.erased, covered(shape, [where]))
        if drawn is not None:
            found.append(ciede2000(lab(drawn), lab(page.blocks[0].ink)))
            if found[-1] > COLOUR:
                _tell(why, "colour", (f"{block.id} off by {found[-1]:.1f}", where))
    return {"colour": found}


def _style(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    counts, reasons = style.recognised(page, made)
    _tell(why, "style", *reasons)
    return {"style": counts}


def _kept(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    """Prices and weights that are as they were, and names that were drawn as they are; each of how many."""
    difference = changed(made.result, page.picture.rgb)
    lines = [line for line, block in page.lines if block.kind == "price"]
    touched = [line for line in lines if difference[covered(difference.shape, [line.quad])].any()]
    _tell(why, "kept", *((f"{line.text!r} was touched", line.quad) for line in touched))
    named = [block for block in made.changed if page.brand and protected(block.text, [page.brand])]
    drawn = [" ".join(line.text for line in made.lines[block.id]) for block in named]
    lost = [text for text in drawn if (page.brand or "") not in text]
    why["terms"] = [f"{page.brand} is not in {text!r}" for text in lost]
    return {"terms": (len(lines) - len(touched), len(lines)), "names": (len(named) - len(lost), len(named))}


def _read_back(page: Page, made: Outcome, why: dict[str, Any]) -> Record:
    """Characters, the engine's errors on the result, and its errors on the same lines drawn plainly.

    Lines with a name in another script are left out: the engine reads one script, and so does a plain font.
    """
    if not readable(scripts()[page.target].language):
        return {}
    spaced = page.target not in UNSPACED
    lines = [
        (line, max(4, round(made.drawn[block.id].size)))
        for block in made.changed
        for line in made.lines[block.id]
        if page.brand is None or page.brand not in line.text
    ]
    total = plain = 0
    wrong = sum(_unsaid(made, block) for block in made.changed)
    for (line, size), (errors, floor, seen) in zip(
        lines, control.errors(made.result, lines, page.target), strict=True
    ):
        total, wrong, plain = total + len(normal(line.text, spaced)), wrong + errors, plain + floor
        if errors > floor:
            said = f"{errors} > {floor}: {line.text!r} read as {seen!r} at {size} px"
            _tell(why, "back", (said, line.quad))
    return {"back": {"characters": total, "errors": wrong, "control": plain}}


def _unsaid(made: Outcome, block: Block) -> int:
    """Characters by which the drawn lines differ from what the scene claims; hyphens are the typesetter's."""
    claimed, drawn = (
        re.sub("[-\u2010]", "", normal(text, spaced=False))
        for text in (made.text_of(block), "".join(line.text for line in made.lines[block.id]))
    )
    return distance(claimed, drawn)


def _errors(text: str, readings: list[Reading], where: Any, spaced: bool) -> int:
    """At most as many errors as the text has characters: what else stands there is not its fault twice."""
    seen = "" if where is None else text_in(readings, grown(where, 2))
    wanted = normal(text, spaced)
    return min(len(wanted), distance(wanted, normal(seen, spaced)))


def _recognised(page: Page, seen: Outcome) -> Record:
    spaced = page.script not in UNSPACED
    lines = [line for block in seen.scene.blocks for line in block.lines]
    total = wrong = 0
    for line, _ in page.lines:
        inside = [
            other.text
            for other in lines
            if layout.holds(grown(line.quad, 2), np.array(other.polygon).mean(axis=0))
        ]
        wanted = normal(line.text, spaced)
        total += len(wanted)
        wrong += min(len(wanted), distance(wanted, normal(" ".join(inside), spaced)))
    return {"recall": layout.recall(page, seen.scene.blocks), "characters": total, "errors": wrong}


def _plain(page: Page, made: Outcome, name: str) -> Record:
    """A baseline read back: characters and errors, where its text was put."""
    plain = BASELINES[name](page, made)
    language = scripts()[page.target].language
    if not readable(language):
        return {}
    readings = read(plain.result, language)
    spaced = page.target not in UNSPACED
    total = wrong = 0
    for block in made.changed:
        text = made.text_of(block)
        total += len(normal(text, spaced))
        wrong += _errors(text, readings, grown(np.array(block.polygon), 0.5 * block.style.size), spaced)
    return {"characters": total, "errors": wrong}


MEASURES: dict[str, Callable[[Page, Outcome, dict[str, Any]], Record]] = {
    "group": _grouping,
    "erase": _background,
    "residue": _residue,
    "standing": _standing,
    "outside": _outside,
    "overflow": _overflow,
    "legible": _legible,
    "back": _read_back,
    "colour": _colours,
    "glyphs": _glyphs,
    "terms": _kept,
    "style": _style,
    "cost": _cost,
}
EVERYTHING = (*MEASURES, "recognition", "local", "baselines")
"""What `--only` may name."""
