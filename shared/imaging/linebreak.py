"""Where a line may end: the parts of Unicode Standard Annex 14 that translated text needs, with kinsoku."""

from __future__ import annotations

import unicodedata

from shared.imaging.scripts import IDEOGRAPHIC, script_of

_NOT_AT_START = set(
    "、。，．・：；？！）］｝〉》」』】〕〗〙〟’”»ー…‥々〻ゝゞヽヾぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ"
    "％‰°′″℃)]},.!?:;%。｡､･ﾞﾟ"
)
_NOT_AT_END = set("（［｛〈《「『【〔〖〘〝‘“«([{¿¡$£€¥￥＄")
_BREAK_AFTER = set("-\u2010\u2013\u2014\u00ad/")
_UNSPACED = {"Thai", "Laoo", "Khmr", "Mymr"}
_LEADING_VOWELS = set("เแโใไເແໂໃໄ")


def segments(text: str, whole_words: bool = False) -> list[str]:
    """Cut `text` at every place where a line may end; joined they are `text` again.

    White space stays at the end of its segment. A combining mark is never cut off from its base. With
    `whole_words` ideographic text is cut only where a word is likely to end: after its hiragana ending and
    after punctuation.
    """
    cuts = [
        i
        for i in range(1, len(text))
        if _may_break(text, i) and not (whole_words and _within_word(text[i - 1], text[i]))
    ]
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if b > a]


def _may_break(text: str, i: int) -> bool:
    before, after = text[i - 1], text[i]
    if unicodedata.combining(after) or unicodedata.category(after) in {"Mn", "Mc", "Cf"} or after.isspace():
        return False
    if before == "\u200b" or (before.isspace() and before not in "\u00a0\u202f\u2007"):
        return True
    if after in _NOT_AT_START or before in _NOT_AT_END or after in "\u00a0\u202f" or before in "\u00a0\u202f":
        return False
    if before in _BREAK_AFTER:
        return after.isalpha() and i >= 2 and text[i - 2].isalpha()
    return _between_letters(before, after)


def _between_letters(before: str, after: str) -> bool:
    scripts = script_of(before), script_of(after)
    if IDEOGRAPHIC & set(scripts) or unicodedata.east_asian_width(before) in "WF":
        return not (scripts[0] == "Hang" or scripts[1] == "Hang")
    # Without a dictionary only a vowel that is written before its consonant surely begins a syllable.
    return scripts[1] in _UNSPACED and after in _LEADING_VOWELS


def _within_word(before: str, after: str) -> bool:
    scripts = {script_of(before), script_of(after)}
    ending = script_of(before) == "Hira" and script_of(after) != "Hira"
    return scripts <= IDEOGRAPHIC and not ending


def wrapped(widths: list[float], trailing: list[float], limit: float) -> list[tuple[int, int]]:
    """Greedy lines of segments: ranges of indices whose widths without trailing space are within `limit`.

    A segment wider than `limit` has a line to itself.
    """
    lines: list[tuple[int, int]] = []
    start, used = 0, 0.0
    for i, width in enumerate(widths):
        if i > start and used + width - trailing[i] > limit:
            lines.append((start, i))
            start, used = i, 0.0
        used += width
    if widths:
        lines.append((start, len(widths)))
    return lines


def balanced(widths: list[float], trailing: list[float], limit: float) -> list[tuple[int, int]]:
    """As few lines as `wrapped` needs, broken so that the longest is as short as it can be."""
    best = wrapped(widths, trailing, limit)
    if len(best) < 2:
        return best
    low, high = limit / 2, limit
    for _ in range(12):
        middle = (low + high) / 2
        lines = wrapped(widths, trailing, middle)
        fits = all(sum(widths[a:b]) - trailing[b - 1] <= limit for a, b in lines)
        if len(lines) == len(best) and fits:
            best, high = lines, middle
        else:
            low = middle
    return best
