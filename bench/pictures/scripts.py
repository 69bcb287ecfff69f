"""The scripts of the pages: what is written in them, which typefaces draw them, which engine reads them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from shared.imaging.typesetting.fonts import PinnedFont, font_packages

ROOT = Path(__file__).resolve().parents[2]
OWN_FONTS = ROOT / "build" / "fonts"
OTHER_FONTS = ROOT / "build" / "bench-fonts"
MANIFEST = Path(__file__).with_name("fonts.toml")
WORDING = Path(__file__).with_name("wording.toml")

_FILES = {
    "Latin": (
        "NotoSans NotoSans-Italic NotoSerif Arimo Roboto OpenSans Lora EBGaramond RobotoCondensed Oswald "
        "JetBrainsMono PT_Sans-Web-Bold"
    ),
    "Cyrillic": "NotoSans NotoSerif Arimo Roboto OpenSans Lora EBGaramond Oswald PT_Sans-Web-Bold",
    "Greek": "NotoSans NotoSerif Arimo Roboto OpenSans EBGaramond RobotoCondensed",
    "Arabic": "NotoSansArabic Amiri-Regular Cairo",
    "Hebrew": "NotoSansHebrew Rubik FrankRuhlLibre Arimo",
    "Devanagari": "NotoSansDevanagari Mukta-Medium Hind-Bold",
    "Thai": "NotoSansThai Sarabun-Regular Kanit-Medium",
    "Chinese": "NotoSansSC SourceHanSerifSC-Regular",
    "Japanese": "NotoSansJP ipaexg",
    "Korean": "NotoSansKR NanumGothicBold",
}
RIGHT_TO_LEFT = frozenset({"Arabic", "Hebrew"})
UNSPACED = frozenset({"Chinese", "Japanese", "Thai"})
DIGITS = "NotoSans.ttf"
"""What draws the prices of scripts whose typefaces may lack Western digits."""


@dataclass(frozen=True)
class Script:
    """A script with its language and its wording: lists of short titles, items, sentences and labels."""

    name: str
    language: str
    titles: tuple[str, ...]
    items: tuple[str, ...]
    sentences: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def rtl(self) -> bool:
        """Whether it is written from right to left."""
        return self.name in RIGHT_TO_LEFT

    def typefaces(self, own: bool = False) -> list[Path]:
        """The font files there are: the product's own and, unless `own`, others where they were fetched."""
        paths = [
            folder / f"{name}{suffix}"
            for name in _FILES[self.name].split()
            for folder in ((OWN_FONTS,) if own else (OWN_FONTS, OTHER_FONTS))
            for suffix in (".ttf", ".otf")
        ]
        return [path for path in paths if path.is_file()]


def typeface(file: str) -> PinnedFont:
    """What the manifests say of a font file. Raises KeyError."""
    return _typefaces()[file]


@lru_cache(maxsize=1)
def _typefaces() -> dict[str, PinnedFont]:
    packages = [*font_packages(MANIFEST), *font_packages()]
    return {font.file: font for package in packages for font in package.fonts}


@lru_cache(maxsize=1)
def scripts() -> dict[str, Script]:
    """All scripts by name."""
    listed = tomllib.loads(WORDING.read_text(encoding="utf-8"))
    return {
        name: Script(
            name,
            entry["languages"][0],
            *(tuple(entry[part]) for part in ("titles", "items", "sentences", "labels")),
        )
        for name, entry in listed.items()
    }
