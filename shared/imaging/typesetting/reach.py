"""How far the ink of a text reaches above and below its baseline, letter by letter, in ems.

Heights of letters are those of the Noto faces (their glyphs' bounds, rounded to 0.05); other faces differ by
a few hundredths.
"""

from __future__ import annotations

import unicodedata

from shared.imaging.typesetting.scripts import script_of

_RISES = {
    0.1: ",.ـ",
    0.4: "-~ءربپسصوجچحمىيئدؾیー・",
    0.5: "=تعنه٥っェュะ๐๑๓०",
    0.55: ":;acegmnopqrsuvwxyzαγεηικμνοπρςστυχωавгдежзиклмнопрстухцчшщъыьэюяєѕљњџүқңөәزぃァッョ",
    0.6: "+<>ثخضقאבגדהוזחטיךכםמןנסעףפץצקרשתぅぇぉへゃゅょィゥォニヘャヵヶฐศสฮ๒๔๕๖๗๘๙",
    0.65: "tؤةذشژぁつゎエコマユロअआथधभश१२३५६९",
    0.7: "إاطظغفكلک١٢٣٤٦٧٨٩いこてでのひべぺろアスソツテヌノハフベペモヨラワヲンฬิ",
    0.75: "ΆΈΉΊΌΎΏ$bdfhijklßĳȷ|`ßбйфѐёђѓіїјћќѝўβδζθλξφψϊϋלปฝฟ฿์",
    0.8: "ΐάέήίΰόύώگัำีึืํऺऻ",
    0.85: "ざぱギゴゾヅデブポヴآोโใไ็่้๊๋Ґंऍऑॅॉ",
    0.9: "ΪΫЁЇЎЙऀँईऎऐऒओऔिीॆेैॊौ",
    0.95: "ЃЌЍأ",
}
_FALLS = {
    0.13: "़,;ДЦЩдцщџญऋऌएईइझहऴ",
    0.2: "ب()[]{}Q@γζξςқңүךןףץקبฎฏฐฤฦ",
    0.24: "gjpqy|çşţģķļņŗţйήβημρφχψруфђјўุูुू",
    0.25: "ृإؤئرزسشصضقلنوىیژ",
    0.3: "پ",
    0.4: "جحخعغميچॄॣ",
}
_RISE = {char: rise for rise, chars in _RISES.items() for char in chars}
_FALL = {char: fall for fall, chars in _FALLS.items() for char in chars} | {"й": 0.0, "ү": 0.24}
_FLOATING = {"'", '"', "`", "^", "~", "*", "-", "=", "“", "”", "‘", "’", "·", "・", "ー", "—", "–"}
_JOINED_FALL = dict.fromkeys("ئحخسشصضعغقلمنى", 0.0) | {"ج": 0.17, "ي": 0.2, "ی": 0.2, "چ": 0.29}
"""How far Arabic letters fall where another follows, of those whose tail is drawn only at a word's end."""

_BY_SCRIPT = {
    "Hani": (0.85, 0.08),
    "Hang": (0.85, 0.08),
    "Bopo": (0.8, 0.05),
    "Hira": (0.75, 0.03),
    "Kana": (0.75, 0.03),
    "Arab": (0.65, 0.25),
    "Hebr": (0.6, 0.02),
    "Deva": (0.62, 0.02),
    "Beng": (0.85, 0.2),
    "Thai": (0.56, 0.02),
}
_UPPER_VOWELS, _TONES, _STACKED = set("ัิีึืํ"), set("่้๊๋็"), 1.03
"""Thai tone marks, and the vowels that they are set above."""

_CAPITAL, _ACCENTED_CAPITAL, _SMALL, _ACCENTED = 0.714, 0.9, 0.54, 0.76
_LEAST = 0.3
_REPH, _ABOVE = "र्", 0.9
"""Devanagari r before a consonant, which is written above it, and how high that is."""


def reach(text: str) -> tuple[float, float]:
    """The rise above and the fall below the baseline of the ink of `text` in a common face, in ems."""
    rises, falls = [], []
    for i, char in enumerate(text):
        if char.isspace():
            continue
        rise, fall = _of(char)
        if char in _TONES and (text[i - 1] in _UPPER_VOWELS or text[i + 1 : i + 2] == "ำ"):
            rise = _STACKED
        if text.startswith(_REPH, i) and text[i + 2 : i + 3].isalpha():
            rise = _ABOVE
        if text[i + 1 : i + 2].isalpha():
            fall = _JOINED_FALL.get(char, fall)
        rises.append(rise)
        falls.append(fall)
    rise = max(rises, default=_SMALL)
    return max(rise, _LEAST), max(falls, default=0.0) or 0.01


def _of(char: str) -> tuple[float, float]:
    if char in _FLOATING:
        return _RISE.get(char, _CAPITAL), 0.0
    script = script_of(char)
    rise, fall = _BY_SCRIPT.get(script, (0.0, 0.0))
    rise = _RISE.get(char, rise or _cased(char))
    return rise, _FALL.get(char, fall if char not in _RISE else 0.01)


def _cased(char: str) -> float:
    """The rise of a letter that no table names, by its case and whether something stands on it."""
    plain = unicodedata.normalize("NFD", char)
    marked = any(unicodedata.combining(mark) >= 214 for mark in plain[1:])
    if char.isupper():
        return _ACCENTED_CAPITAL if marked else _CAPITAL
    if char.isalpha():
        base = _RISE.get(plain[0], _SMALL)
        return max(base, _ACCENTED) if marked else base
    return _CAPITAL
