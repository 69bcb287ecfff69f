"""Which face, script and direction each character of a text has, and where pieces of one kind begin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from shared.imaging.typesetting.bidi import levels
from shared.imaging.typesetting.fonts import Typeface
from shared.imaging.typesetting.scripts import SHARED, script_of
from shared.imaging.typesetting.words import clusters, is_ignorable


@dataclass(frozen=True)
class Seen:
    """What of a text can be shown, with face, script and bidi level of each character, and what cannot.

    `starts` are the places where pieces of one face and script begin, cut where white space begins and ends;
    `runs_right` tells that all of it runs from left to right.
    """

    text: str
    faces: tuple[Typeface, ...]
    scripts: tuple[str, ...]
    levels: tuple[int, ...]
    missing: frozenset[str]
    starts: tuple[int, ...]
    runs_right: bool

    @cached_property
    def varies_in_width(self) -> bool:
        """Whether one of the faces can be condensed."""
        return any("wdth" in face.pinned.axes for face in set(self.faces))


@lru_cache(maxsize=256)
def seen_of(faces: tuple[Typeface, ...], text: str, rtl: bool, vertical: bool) -> Seen:
    """Choose a face for each cluster of a text, and tell the directions."""
    kept: list[str] = []
    chosen: list[Typeface] = []
    missing: set[str] = set()
    current: Typeface | None = None
    # Most letters of a text come again.
    first: dict[str, Typeface | None] = {}
    for cluster in clusters(_visible(text)):
        if current is None or not _stays(cluster, current):
            if cluster not in first:
                first[cluster] = next((face for face in faces if _has(face, cluster)), None)
            current = first[cluster]
        if current is None:
            missing |= {char for char in cluster if not is_ignorable(char)}
            continue
        kept += cluster
        chosen += [current] * len(cluster)
    shown = "".join(kept)
    scripts = _scripts(shown)
    found = levels(shown, rtl) if not vertical else [0] * len(shown)
    starts = [
        i
        for i, char in enumerate(shown)
        if not i
        or chosen[i] is not chosen[i - 1]
        or scripts[i] != scripts[i - 1]
        or (char == " ") != (shown[i - 1] == " ")
    ]
    runs_right = not any(found)
    return Seen(shown, tuple(chosen), scripts, tuple(found), frozenset(missing), tuple(starts), runs_right)


def _stays(cluster: str, current: Typeface) -> bool:
    """Whether a sign keeps the face of what is before it.

    Punctuation and digits stay with their neighbours, so that a run is not torn apart.
    """
    return script_of(cluster[0]) in SHARED and not current.is_of_signs and _has(current, cluster)


def _has(face: Typeface, cluster: str) -> bool:
    """Whether a face has all of a cluster that shows anything."""
    return all(ord(char) in face.characters or is_ignorable(char) for char in cluster)


def _visible(text: str) -> str:
    return "".join(" " if char.isspace() and char not in "\u00a0\u202f\u3000" else char for char in text)


def _scripts(text: str) -> tuple[str, ...]:
    """ISO 15924 code of each character; shared ones take their neighbour's."""
    own = [script_of(char) for char in text]
    known = next((code for code in own if code not in SHARED), "Latn")
    for i, code in enumerate(own):
        if code in SHARED:
            own[i] = known
        known = own[i]
    return tuple(own)
