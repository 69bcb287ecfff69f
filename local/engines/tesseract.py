"""Tesseract for the scripts that RapidOCR's model does not know: one straightened line at a time."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from local.engines.geometry import Image
from local.engines.lines import Mark
from local.engines.tags import primary

TIMEOUT = 20.0
LINE, RAW_LINE = 7, 13
_MARGIN = 12  # pixels around a line
_BLANK = " \t\u200e\u200f"  # spaces, and the marks of direction that Tesseract puts between words
_LANGUAGES = {
    "am": "amh",
    "ar": "ara",
    "as": "asm",
    "be": "bel",
    "bg": "bul",
    "bn": "ben",
    "el": "ell",
    "fa": "fas",
    "gu": "guj",
    "he": "heb",
    "hi": "hin",
    "hy": "hye",
    "ka": "kat",
    "kk": "kaz",
    "km": "khm",
    "kn": "kan",
    "ko": "kor",
    "ky": "kir",
    "lo": "lao",
    "mk": "mkd",
    "ml": "mal",
    "mn": "mon",
    "mr": "mar",
    "my": "mya",
    "ne": "nep",
    "or": "ori",
    "pa": "pan",
    "ps": "pus",
    "ru": "rus",
    "si": "sin",
    "sr": "srp",
    "ta": "tam",
    "te": "tel",
    "tg": "tgk",
    "th": "tha",
    "ug": "uig",
    "uk": "ukr",
    "ur": "urd",
    "yi": "yid",
}
RIGHT_TO_LEFT = frozenset({"ara", "fas", "heb", "pus", "uig", "urd", "yid"})


class EngineFailed(Exception):
    """Tesseract broke or hung."""


def language_for(hint: str) -> str | None:
    """Tesseract's name of a hinted BCP-47 language; None for the languages that RapidOCR reads."""
    if primary(hint) == "sr" and "latn" in hint.lower():
        return None
    return _LANGUAGES.get(primary(hint))


def package_of(language: str) -> str:
    """The Debian package with a language's data."""
    return f"tesseract-ocr-{language.replace('_', '-')}"


def installed() -> frozenset[str]:
    """The languages that Tesseract has data for; empty without Tesseract."""
    try:
        run = subprocess.run(
            ["tesseract", "--list-langs"], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(line.strip() for line in run.stdout.splitlines()[1:] if line.strip())


def read_lines(crops: Sequence[Image], language: str, mode: int = LINE) -> list[list[Mark]]:
    """The characters of each line, in reading order, with places along its crop. Raises `EngineFailed`.

    `mode` is how Tesseract segments a page: `LINE`, or `RAW_LINE` without a look for what belongs to the
    line, in which it loses some short ones. Places count from the crop's right end in a `RIGHT_TO_LEFT`
    language. Characters share their word's box equally: Tesseract's table has no boxes below the word. All
    lines take one process, whose start costs more than a line does.
    """
    if not crops:
        return []
    with tempfile.TemporaryDirectory(prefix="imangor-lines-") as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(len(crops))]
        for path, pixels in zip(paths, crops, strict=True):
            path.write_bytes(cv2.imencode(".png", _prepared(pixels, _MARGIN))[1].tobytes())
        listed = Path(folder) / "lines.txt"
        listed.write_text("".join(f"{path}\n" for path in paths))
        table = _run([str(listed), "stdout", "-l", language, "--psm", str(mode), "tsv"], language, len(crops))
    words: list[list[dict[str, str]]] = [[] for _ in crops]
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row["text"] or "").strip(_BLANK)
        if row["level"] == "5" and text and float(row["conf"]) >= 0:
            words[int(row["page_num"]) - 1].append({**row, "text": text})
    leftward = language in RIGHT_TO_LEFT
    return [
        _marks_of(found, pixels.shape[1] if leftward else None)
        for found, pixels in zip(words, crops, strict=True)
    ]


def _run(arguments: list[str], language: str, lines: int) -> str:
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        run = subprocess.run(
            ["tesseract", *arguments],
            capture_output=True,
            timeout=TIMEOUT + lines,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise EngineFailed(f"tesseract -l {language} failed: {failure}") from failure
    if run.returncode:
        raise EngineFailed(f"tesseract -l {language} failed: {run.stderr.decode()[:300].strip()}")
    return run.stdout.decode(errors="replace")


def _marks_of(rows: Sequence[dict[str, str]], mirrored: int | None) -> list[Mark]:
    """A line's words as marks; `mirrored` is the line's width when places count from its right end."""
    found: list[Mark] = []
    for row in rows:
        text, confidence = row["text"], float(row["conf"])
        left, width = int(row["left"]) - _MARGIN, int(row["width"])
        start, pitch = left if mirrored is None else mirrored - left - width, width / len(text)
        found += [
            Mark(character, start + (i + 0.5) * pitch, confidence / 100, i == 0 and bool(found))
            for i, character in enumerate(text)
        ]
    return found


def _prepared(pixels: Image, margin: int) -> Image:
    """Dark on light, full contrast, a margin around: what Tesseract's line model was trained on.

    The margin is of one colour: with what touches the crop's edge repeated, strokes of the next line become
    letters.
    """
    grey = cv2.normalize(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), None, 0, 255, cv2.NORM_MINMAX)
    ground = int(np.median(np.concatenate([grey[:3].ravel(), grey[-3:].ravel()])))
    if ground < 110:
        grey, ground = 255 - grey, 255 - ground
    edge = (margin, margin, margin, margin)
    return cv2.copyMakeBorder(grey, *edge, cv2.BORDER_CONSTANT, value=ground)
