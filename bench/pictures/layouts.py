"""What pages look like: eight layouts, each writes on a sheet of its own size.

A layout is `(rng, script, hand) -> Sheet`. The hand's size is that of the page's main text. Cells are what
closed frames leave for a text; what stands free has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.pictures.scripts import DIGITS, OWN_FONTS, Script
from bench.pictures.sheet import Hand, Sheet

Random = np.random.Generator
Layout = Callable[[Random, Script, Hand], Sheet]


def pick(rng: Random, texts: tuple[str, ...], count: int) -> list[str]:
    """Some of the texts, in random order, none twice."""
    order = rng.permutation(len(texts))[:count]
    return [texts[i] for i in order]


def prices(hand: Hand) -> Hand:
    """The hand for numbers: some typefaces have letters of their own script only."""
    numbers = replace(hand, script="Latin", language="en", rtl=False, vertical=False)
    return (
        replace(numbers, path=OWN_FONTS / DIGITS)
        if hand.script not in {"Latin", "Cyrillic", "Greek"}
        else numbers
    )


def side(script: Script) -> str:
    """Where lines begin."""
    return "right" if script.rtl else "left"


def box_cell(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    """The corners of a cell."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def sign(rng: Random, script: Script, hand: Hand) -> Sheet:
    """A board with a border: one title, sometimes a smaller line below."""
    em = hand.size
    if hand.vertical:
        return _columns_down(hand, hand.wrapped(pick(rng, script.titles, 1)[0], 7 * em), framed=True)
    title = hand.wrapped(pick(rng, script.titles, 1)[0], rng.uniform(6, 10) * em)
    below = pick(rng, script.labels, 1) if rng.random() < 0.5 else []
    small = hand.sized(0.6 * em)
    widest = max(hand.length(line) for line in title)
    width, height = round(widest + 4 * em), round((2.4 + 1.3 * len(title) + 1.3 * bool(below)) * em)
    sheet = Sheet(width, height, hand.finer)
    inset = 0.35 * em
    sheet.frame((inset, inset, width - inset, height - inset), max(2, em / 14), em / 3)
    room = box_cell(1.6 * inset, 1.6 * inset, width - 1.6 * inset, height - 1.6 * inset)
    end = sheet.write(title, hand, width / 2, 1.1 * em, "center", 1.3, room, "title")
    if below:
        sheet.write(below, small, width / 2, end + 0.6 * em, "center", cell=room, kind="caption")
    return sheet


def menu(rng: Random, script: Script, hand: Hand) -> Sheet:
    """A heading, dishes, and their prices in a column of their own."""
    em, count = hand.size, int(rng.integers(3, 7))
    dishes, heading = pick(rng, script.items, count), pick(rng, script.labels, 1)
    numbers, large = prices(hand), hand.sized(1.5 * hand.size)
    amounts = [f"{rng.integers(2, 30)}.{rng.integers(0, 10)}0" for _ in dishes]
    wide = max(hand.length(dish) for dish in dishes) + 3 * em + max(numbers.length(a) for a in amounts)
    pitch = rng.uniform(1.7, 2.3) * em
    sheet = Sheet(round(wide + 2 * em), round(4 * em + pitch * count), hand.finer)
    near, far = (sheet.width - em, em) if script.rtl else (em, sheet.width - em)
    sheet.write(heading, large, sheet.width / 2, 0.8 * em, "center", kind="title")
    other = "left" if script.rtl else "right"
    dotted = rng.random() < 0.3
    for i, (dish, amount) in enumerate(zip(dishes, amounts, strict=True)):
        top = 3.4 * em + i * pitch
        sheet.write([dish], hand, near, top, side(script), kind="item")
        sheet.write([amount], numbers, far, top, other, kind="price")
        if dotted:
            _leader(sheet, hand, numbers, dish, amount, top, script.rtl)
    return sheet


def _leader(sheet: Sheet, hand: Hand, numbers: Hand, dish: str, amount: str, top: float, rtl: bool) -> None:
    em = hand.size
    start, end = em + hand.length(dish) + 0.7 * em, sheet.width - em - numbers.length(amount) - 0.7 * em
    for x in np.arange(start, end, 0.5 * em):
        at = sheet.width - x if rtl else x
        y = top + 0.86 * em
        sheet.frame((at, y, at + em / 12, y + em / 12), em / 12)


def paragraph(rng: Random, script: Script, hand: Hand) -> Sheet:
    """Running text in one or two columns, sometimes a second paragraph below."""
    em = hand.size
    columns = 2 if rng.random() < 0.4 and em < 36 else 1
    width = rng.uniform(11, 17) * em
    if hand.vertical:
        text = "".join(pick(rng, script.sentences, 2))
        return _columns_down(hand, hand.wrapped(text, 10 * em), framed=False)
    texts = [
        [
            _joined(script, pick(rng, script.sentences, int(rng.integers(2, 4))))
            for _ in range(rng.integers(1, 3))
        ]
        for _ in range(columns)
    ]
    wrapped = [[hand.wrapped(text, width) for text in column] for column in texts]
    pitch = rng.uniform(1.3, 1.65)
    tall = max(sum((len(lines) * pitch + 1) * em for lines in column) for column in wrapped)
    sheet = Sheet(round(em + columns * (width + 1.6 * em)), round(tall + 1.6 * em), hand.finer)
    for i, column in enumerate(wrapped):
        left, y = em + i * (width + 1.6 * em), em
        for lines in column:
            end = sheet.write(
                lines, hand, left + width * script.rtl, y, side(script), pitch, kind="paragraph"
            )
            y = end + rng.uniform(0.8, 1.2) * em
    return sheet


def _joined(script: Script, sentences: list[str]) -> str:
    return ("" if script.name in {"Chinese", "Japanese", "Thai"} else " ").join(sentences)


def table(rng: Random, script: Script, hand: Hand) -> Sheet:
    """A ruled table: a head of labels, rows of labels and numbers."""
    em, rows, columns = hand.size, int(rng.integers(3, 6)), int(rng.integers(2, 4))
    heads = pick(rng, script.labels, columns)
    names = pick(rng, script.items, rows)
    numbers = prices(hand)
    wide = [max(hand.length(t) for t in [heads[0], *names]) + 1.4 * em]
    wide += [max(hand.length(head), 4 * em) + 1.4 * em for head in heads[1:]]
    high = rng.uniform(1.9, 2.4) * em
    edges = em + np.concatenate([[0], np.cumsum(wide)])
    sheet = Sheet(round(edges[-1] + em), round(2 * em + high * (rows + 1)), hand.finer)
    if script.rtl:
        edges = sheet.width - edges
    for row in range(rows + 2):
        sheet.rule([(em, em + row * high), (sheet.width - em, em + row * high)], max(1, em / 16))
    for edge in edges:
        sheet.rule([(edge, em), (edge, em + high * (rows + 1))], max(1, em / 16))
    for row in range(rows + 1):
        for column in range(columns):
            text = heads[column] if row == 0 else names[row - 1] if column == 0 else str(rng.integers(1, 999))
            written = hand if row == 0 or column == 0 else numbers
            low, high_edge = sorted((edges[column], edges[column + 1]))
            top = em + row * high
            cell = box_cell(low + 1, top + 1, high_edge - 1, top + high - 1)
            x = high_edge - 0.6 * em if script.rtl else low + 0.6 * em
            kind = "price" if written is numbers else "cell"
            sheet.write([text], written, x, top + (high - em) / 2, side(script), cell=cell, kind=kind)
    return sheet


def poster(rng: Random, script: Script, hand: Hand) -> Sheet:
    """A large title, a line below it, and a small text at the foot, all centred."""
    em = hand.size
    if hand.vertical:
        return _columns_down(hand, hand.wrapped(pick(rng, script.titles, 1)[0], 5 * em), framed=False)
    title = hand.wrapped(pick(rng, script.titles, 1)[0], rng.uniform(4, 8) * em)
    middle, small = hand.sized(0.55 * em), hand.sized(0.36 * em)
    width = max(max(hand.length(line) for line in title), 7 * em) + 2 * em
    foot = small.wrapped(_joined(script, pick(rng, script.sentences, 2)), width - 2 * em)
    height = (1.25 * len(title) + 3.2) * em + middle.size + 1.4 * small.size * len(foot)
    sheet = Sheet(round(width), round(height), hand.finer)
    end = sheet.write(title, hand, width / 2, 0.6 * em, "center", 1.25, kind="title")
    end = sheet.write(
        pick(rng, script.labels, 1), middle, width / 2, end + 0.7 * em, "center", kind="caption"
    )
    sheet.write(foot, small, width / 2, end + 0.8 * em, "center", 1.4, kind="paragraph")
    return sheet


def bubble(rng: Random, script: Script, hand: Hand) -> Sheet:
    """One or two speech bubbles, their text centred in them."""
    em, count = hand.size, 2 if rng.random() < 0.5 and hand.size < 40 else 1
    made = []
    for text in pick(rng, script.sentences, count):
        lines = hand.wrapped(text, (5 if hand.vertical else rng.uniform(7, 11)) * em)
        along = max(hand.length(line) for line in lines)
        across = em * (1 + 1.35 * (len(lines) - 1))
        wide, high = (across, along) if hand.vertical else (along, across)
        made.append((lines, wide * 1.42 + 1.2 * em, high * 1.42 + 1.2 * em))
    sheet = Sheet(
        round(sum(w for _, w, _ in made) + em * (1 + count)),
        round(max(h for *_, h in made) + 3 * em),
        hand.finer,
    )
    left = em
    for lines, wide, high in made:
        _bubble(sheet, hand, lines, left, wide, high)
        left += wide + em
    return sheet


def _bubble(sheet: Sheet, hand: Hand, lines: list[str], left: float, wide: float, high: float) -> None:
    em, top = hand.size, hand.size
    sheet.frame((left, top, left + wide, top + high), max(2, em / 12), ellipse=True)
    x, y = left + wide / 2, top + high / 2
    foot = top + high
    sheet.rule(
        [(x - em * 0.2, foot - 2), (x - em, foot + 1.2 * em), (x + em * 0.6, foot - 2)], max(2, em / 12)
    )
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    inner = (0.5 - em / 12 / max(wide, high)) * np.array([wide - 3, high - 3])
    cell = [(x + inner[0] * np.cos(t), y + inner[1] * np.sin(t)) for t in turns]
    across = em * (1 + 1.35 * (len(lines) - 1))
    if hand.vertical:
        along = max(hand.length(line) for line in lines)
        sheet.write(lines, hand, x + across / 2 - em / 2, y - along / 2, "left", 1.35, cell, "speech")
    else:
        sheet.write(lines, hand, x, y - across / 2 - 0.05 * em, "center", 1.35, cell, "speech")


def screenshot(rng: Random, script: Script, hand: Hand) -> Sheet:
    """A window: a title bar, a list at the side, a text with a button."""
    em = hand.size
    title, entries = pick(rng, script.titles, 1), pick(rng, script.labels, int(rng.integers(3, 6)))
    text = hand.wrapped(_joined(script, pick(rng, script.sentences, 2)), 17 * em)
    button = pick(rng, script.titles, 1)
    menu_width = max(hand.length(entry) for entry in entries) + 2.4 * em
    width = menu_width + 20 * em
    height = max(3 * em + 2 * em * len(entries), 4 * em + 1.5 * em * len(text) + 4 * em)
    sheet = Sheet(round(width), round(height), hand.finer)
    sheet.rule([(0, 2.2 * em), (width, 2.2 * em)], 1)
    edge = width - menu_width if script.rtl else menu_width
    sheet.rule([(edge, 2.2 * em), (edge, height)], 1)
    start = width - em if script.rtl else em
    far = 10 * width  # the window has no frame of its own: its parts are open to the picture's edges
    bar = box_cell(-far, -far, far, 2.2 * em - 2)
    sheet.write(title, hand, start, 0.55 * em, side(script), cell=bar, kind="title")
    listed = sorted((far if script.rtl else -far, edge))
    for i, entry in enumerate(entries):
        y = 3 * em + 2 * em * i
        cell = box_cell(listed[0] + 1, 2.2 * em + 2, listed[1] - 1, far)
        sheet.write([entry], hand, start, y, side(script), cell=cell, kind="entry")
    inner = edge - em if script.rtl else edge + em
    body = box_cell(*((-far, 2.2 * em + 2, edge - 1) if script.rtl else (edge + 1, 2.2 * em + 2, far)), far)
    end = sheet.write(text, hand, inner, 3.2 * em, side(script), 1.5, body, "paragraph")
    wide = hand.length(button[0]) + 2 * em
    left = inner - wide if script.rtl else inner
    top = end + 0.9 * em
    sheet.frame((left, top, left + wide, top + 2 * em), 1, em / 4)
    held = box_cell(left + 1, top + 1, left + wide - 1, top + 2 * em - 1)
    sheet.write(button, hand, left + wide / 2, top + 0.47 * em, "center", cell=held, kind="button")
    return sheet


def label(rng: Random, script: Script, hand: Hand) -> Sheet:
    """A product's label: a frame, its name, what is in it, and a weight."""
    em = hand.size
    name = hand.wrapped(pick(rng, script.items, 1)[0], 9 * em)
    small = hand.sized(0.55 * em)
    text = small.wrapped(_joined(script, pick(rng, script.sentences, 2)), 9 * em)
    numbers = prices(small)
    weight = f"{rng.integers(1, 99) * 10} g"
    width = max([9 * em, *(hand.length(line) for line in name)]) + 2.4 * em
    height = 1.3 * em * len(name) + 1.45 * small.size * len(text) + 2.6 * small.size + 2.6 * em
    sheet = Sheet(round(width), round(height), hand.finer)
    sheet.frame((0.3 * em, 0.3 * em, width - 0.3 * em, height - 0.3 * em), max(2, em / 18))
    room = box_cell(0.5 * em, 0.5 * em, width - 0.5 * em, height - 0.5 * em)
    end = sheet.write(name, hand, width / 2, 0.9 * em, "center", 1.3, room, "title")
    start = width - 1.2 * em if script.rtl else 1.2 * em
    end = sheet.write(text, small, start, end + 0.5 * em, side(script), 1.45, room, "paragraph")
    sheet.write([weight], numbers, width / 2, end + 0.9 * small.size, "center", cell=room, kind="price")
    return sheet


def _columns_down(hand: Hand, lines: list[str], framed: bool) -> Sheet:
    em, pitch = hand.size, 1.5
    tall = max(hand.length(line) for line in lines)
    width, height = round((2.2 + 1 + pitch * (len(lines) - 1)) * em), round(tall + 2.4 * em)
    sheet = Sheet(width, height, hand.finer)
    cell = None
    if framed:
        sheet.frame((0.3 * em, 0.3 * em, width - 0.3 * em, height - 0.3 * em), max(2, em / 14))
        cell = box_cell(0.5 * em, 0.5 * em, width - 0.5 * em, height - 0.5 * em)
    kind = "paragraph" if len(lines) > 2 else "title"
    sheet.write(lines, hand, width - 1.6 * em, 1.2 * em, "left", pitch, cell, kind)
    return sheet


LAYOUTS: dict[str, tuple[Layout, tuple[int, int]]] = {
    "sign": (sign, (24, 96)),
    "menu": (menu, (14, 40)),
    "paragraph": (paragraph, (12, 48)),
    "table": (table, (12, 36)),
    "poster": (poster, (36, 96)),
    "bubble": (bubble, (14, 56)),
    "screenshot": (screenshot, (12, 28)),
    "label": (label, (24, 64)),
}
"""Each layout with the sizes of its main text, in pixels an em."""

UPRIGHT = frozenset({"screenshot", "label"})
DOWNWARDS = frozenset({"sign", "paragraph", "poster", "bubble"})
