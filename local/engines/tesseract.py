"""Tesseract for the scripts that RapidOCR's model does not know: one straightened line at a time."""

from __future__ import annotations

import csv
import io
import os
import subprocess

import cv2

from local.engines.geometry import Image
from local.engines.lines import Mark
from local.engines.tags import primary

TIMEOUT = 20.0
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


def marks(pixels: Image, language: str) -> list[Mark]:
    """The characters of a line, in reading order, with places along the crop. Raises `EngineFailed`.

    Places count from the crop's right end in a `RIGHT_TO_LEFT` language. Characters share their word's
    box equally: Tesseract's table has no boxes below the word.
    """
    margin = 12
    encoded = cv2.imencode(".png", _prepared(pixels, margin))[1].tobytes()
    command = ["tesseract", "stdin", "stdout", "-l", language, "--psm", "7", "tsv"]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        run = subprocess.run(
            command, input=encoded, capture_output=True, timeout=TIMEOUT, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise EngineFailed(f"tesseract -l {language} failed: {failure}") from failure
    if run.returncode:
        raise EngineFailed(f"tesseract -l {language} failed: {run.stderr.decode()[:300].strip()}")
    width = pixels.shape[1] if language in RIGHT_TO_LEFT else None
    return _marks_in(run.stdout.decode(errors="replace"), margin, width)


def _marks_in(table: str, margin: int, mirrored: int | None) -> list[Mark]:
    """The table's words as marks; `mirrored` is the line's width when places count from its right end."""
    found: list[Mark] = []
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text, confidence = (row["text"] or "").strip(), float(row["conf"])
        if row["level"] != "5" or not text or confidence < 0:
            continue
        left, width = int(row["left"]) - margin, int(row["width"])
        start, pitch = left if mirrored is None else mirrored - left - width, width / len(text)
        found += [
            Mark(character, start + (i + 0.5) * pitch, confidence / 100, i == 0 and bool(found))
            for i, character in enumerate(text)
        ]
    return found


def _prepared(pixels: Image, margin: int) -> Image:
    """Dark on light, full contrast, a margin around: what Tesseract's line model was trained on."""
    grey = cv2.normalize(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), None, 0, 255, cv2.NORM_MINMAX)
    border = sorted([*grey[:3].ravel(), *grey[-3:].ravel()])
    if border[len(border) // 2] < 110:
        grey = 255 - grey
    return cv2.copyMakeBorder(grey, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
