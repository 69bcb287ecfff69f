"""The fonts a renderer may use: pinned by hash, found in one folder, chosen by character and language."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import uharfbuzz

from shared.imaging.errors import FontsMissing

MANIFEST = Path(__file__).with_name("fonts.toml")

# uharfbuzz carries no types.
hb: Any = uharfbuzz

_HAN = {"Hani", "Hans", "Hant", "Jpan", "Kore"}
_SIGNS = {"Zsym", "Zsye"}
_HAN_BY_LANGUAGE = {"ja": "Jpan", "ko": "Kore", "zh": "Hans", "yue": "Hant"}

_LIGHT_ENOUGH = 100
_BOLDER = 1e-4  # ems of stroke for each unit of weight that a face lacks


@dataclass(frozen=True)
class PinnedFont:
    """One font file: where it comes from, what it must hash to, and what it is good for.

    `scripts` are ISO 15924 codes, `axes` the ranges of its variation axes.
    """

    file: str
    member: str
    sha256: str
    family: str
    italic: bool
    scripts: tuple[str, ...]
    axes: dict[str, tuple[float, float]]
    weight: int = 400


@dataclass(frozen=True)
class FontPackage:
    """A wheel on PyPI that carries fonts; `sha256` is that of the wheel."""

    name: str
    version: str
    sha256: str
    fonts: tuple[PinnedFont, ...]


@lru_cache(maxsize=4)
def font_packages(manifest: Path = MANIFEST) -> tuple[FontPackage, ...]:
    """All packages of `fonts.toml`, in the order of fallback."""
    listed = tomllib.loads(manifest.read_text(encoding="utf-8"))["package"]
    return tuple(
        FontPackage(
            name=package["name"],
            version=package["version"],
            sha256=package["sha256"],
            fonts=tuple(_pinned(font) for font in package["font"]),
        )
        for package in listed
    )


def _pinned(font: dict[str, object]) -> PinnedFont:
    axes = font["axes"]
    scripts = font["scripts"]
    if not isinstance(axes, dict) or not isinstance(scripts, list):
        raise FontsMissing(f"{MANIFEST.name} is damaged at {font.get('file')}.")
    return PinnedFont(
        file=str(font["file"]),
        member=str(font["member"]),
        sha256=str(font["sha256"]),
        family=str(font["family"]),
        italic=bool(font["italic"]),
        scripts=tuple(scripts),
        axes={tag: (float(low), float(high)) for tag, (low, high) in axes.items()},
        weight=int(str(font.get("weight", 400))),
    )


class Typeface:
    """One font file. Instances of it at weights and widths are made once and kept."""

    def __init__(self, pinned: PinnedFont, path: Path) -> None:
        """The file at `path` is mapped when it is first asked for anything: most are asked for nothing."""
        self.pinned = pinned
        self.path = path
        self.is_of_signs = _is_of_signs(pinned)
        self._instances: dict[tuple[int, int, float], Any] = {}

    @cached_property
    def face(self) -> Any:
        """The mapped file, of which glyph data is read as it is used."""
        return hb.Face(hb.Blob.from_file_path(str(self.path)))

    @cached_property
    def upem(self) -> int:
        """Font units an em."""
        return int(self.face.upem)

    @cached_property
    def characters(self) -> frozenset[int]:
        """The code points that it has glyphs for."""
        return frozenset(self.face.unicodes)

    def instance(self, weight: int, width: int, slant: float = 0.0) -> Any:
        """A HarfBuzz font in font units at `weight` (100-900) and `width` (percent), sheared by `slant`.

        A face without a weight axis is emboldened by its outlines where more weight is asked of it.
        """
        ranges = self.pinned.axes
        # A face that knows one width has one instance for all of them.
        key = (weight, width if "wdth" in ranges else 0, slant)
        if key not in self._instances:
            font = hb.Font(self.face)
            wanted = {"wght": float(weight), "wdth": float(width)}
            font.set_variations(
                {
                    tag: min(max(v, ranges[tag][0]), ranges[tag][1])
                    for tag, v in wanted.items()
                    if tag in ranges
                }
            )
            if slant:
                font.synthetic_slant = slant
            extra = weight - self.pinned.weight
            if "wght" not in ranges and extra > _LIGHT_ENOUGH:
                font.synthetic_bold = (_BOLDER * extra, _BOLDER * extra, False)
            self._instances[key] = font
        return self._instances[key]


class FontLibrary:
    """The pinned fonts in `folder`. Building it fails when one is missing or of another size or content.

    Safe to share between threads.
    """

    def __init__(self, folder: Path) -> None:
        """Check that `folder` holds every font of `fonts.toml`; raises FontsMissing."""
        self.folder = Path(folder)
        self._faces: dict[str, Typeface] = {}
        # As many as there are families, slants and ways to write Han.
        self._ranked: dict[tuple[str, bool, str], tuple[Typeface, ...]] = {}
        self._lock = Lock()
        self.check()

    def check(self) -> None:
        """Raise FontsMissing unless every pinned font is there with its own hash."""
        for package in font_packages():
            for font in package.fonts:
                path = self.folder / font.file
                if not path.is_file():
                    raise FontsMissing(f"{font.file} is not in {self.folder}; run: python -m tools.fonts")
                stat = path.stat()
                if file_hash(path, stat.st_size, stat.st_mtime_ns) != font.sha256:
                    raise FontsMissing(f"{path} is not the pinned font; run: python -m tools.fonts")

    def candidates(self, family: str, italic: bool, language: str) -> tuple[Typeface, ...]:
        """Typefaces in the order they should be asked for a character.

        `family` is sans, serif or mono. Of the Han fonts the one that writes as `language` (BCP 47) does
        comes first, because one code point has other shapes in Japan, Korea, Taiwan and China.
        """
        han = _han_script(language)
        key = (family, italic, han)
        if key not in self._ranked:
            self._ranked[key] = self._rank(*key)
        return self._ranked[key]

    def _rank(self, family: str, italic: bool, han: str) -> tuple[Typeface, ...]:
        def rank(font: PinnedFont) -> tuple[bool, bool, bool, bool]:
            is_han = bool(_HAN & set(font.scripts))
            return (
                _is_of_signs(font),
                is_han and han not in font.scripts,
                font.family != family,
                font.italic != italic and "Latn" in font.scripts,
            )

        fonts = [font for package in font_packages() for font in package.fonts]
        return tuple(self._face(font) for font in sorted(fonts, key=rank))

    def _face(self, font: PinnedFont) -> Typeface:
        with self._lock:
            if font.file not in self._faces:
                self._faces[font.file] = Typeface(font, self.folder / font.file)
            return self._faces[font.file]


def _is_of_signs(font: PinnedFont) -> bool:
    return bool(_SIGNS & set(font.scripts))


def _han_script(language: str) -> str:
    parts = language.replace("_", "-").lower().split("-")
    if parts[0] == "zh" and {"hant", "tw", "hk", "mo"} & set(parts[1:]):
        return "Hant"
    return _HAN_BY_LANGUAGE.get(parts[0], "Jpan")


@lru_cache(maxsize=256)
def file_hash(path: Path, size: int, modified_ns: int) -> str:
    """SHA-256 of a file; size and time of change are there so that a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
