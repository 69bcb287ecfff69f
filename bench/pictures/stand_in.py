"""What stands in for a translator: a fixed table of texts in every script, cut to a length.

A text's length in the picture is counted in half widths, so that a Chinese character counts two.
"""

from __future__ import annotations

import html
import re
import unicodedata
import zlib

import numpy as np

from bench.pictures.scripts import UNSPACED, scripts

SHORTEST, LONGEST = 0.5, 3.0


def width(text: str) -> int:
    """Half widths of a text; marks that stand on others have none."""
    shown = [char for char in text if unicodedata.category(char) not in {"Mn", "Cf"}]
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in shown)


_SPAN = re.compile(r'(<span translate="no">.*?</span>)')


def answered(page: str, target: str, seed: int) -> str:
    """HTML as a translator answers it: stand-ins for all but the parts marked as not to be translated."""
    joint = "" if target in UNSPACED else " "
    pieces = [piece for piece in _SPAN.split(page) if piece.strip()]
    put = [
        piece if _SPAN.fullmatch(piece) else html.escape(stand_in(html.unescape(piece), target, seed))
        for piece in pieces
    ]
    return joint.join(put)


def stand_in(text: str, target: str, seed: int) -> str:
    """A text in the script `target`, 0.5 to 3 times as long as `text`; always the same for the same three."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{target}/{text}".encode())])
    wanted = max(1.0, width(text) * float(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST)))))
    script = scripts()[target]
    unspaced = target in UNSPACED
    pool = list(script.labels if unspaced else _words((*script.titles, *script.items, *script.sentences)))
    chosen: list[str] = []
    joint = "" if unspaced else " "
    while True:
        left = wanted - width(joint.join(chosen))
        if chosen and left < 2:
            return joint.join(chosen)
        fitting = [word for word in pool if width(word) <= max(left, min(map(width, pool)))]
        word = fitting[int(rng.integers(len(fitting)))]
        if chosen and width(joint.join([*chosen, word])) > LONGEST * max(2, width(text)):
            return joint.join(chosen)
        chosen.append(word)


def _words(texts: tuple[str, ...]) -> list[str]:
    return sorted({word.strip(".,।") for text in texts for word in text.split()} - {""})
