"""Fetch the pinned fonts: python -m tools.fonts [--to FOLDER] [--of MANIFEST].

Takes the wheels that the manifest (by default `shared/imaging/typesetting/fonts.toml`) names from the
configured package index, checks wheel and font hashes, and keeps only the fonts. Does nothing
when all are there already.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from shared.imaging.typesetting.fonts import MANIFEST, FontPackage, PinnedFont, font_packages

DEFAULT = Path(__file__).parent.parent / "build" / "fonts"
_STAMP = "stamp.json"


class WrongFont(Exception):
    """A downloaded font is not the pinned one."""


def complete(folder: Path, manifest: Path = MANIFEST) -> bool:
    """Tell whether `folder` holds all pinned fonts, by the sizes and times noted when they were checked."""
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    states = {font.file: _state(folder, font) for font in _fonts(manifest)}
    return all(state is not None and state == stamp.get(file) for file, state in states.items())


def fetch(folder: Path, manifest: Path = MANIFEST) -> list[str]:
    """Bring `folder` to hold the pinned fonts of `manifest`; return the names of those that were fetched."""
    if complete(folder, manifest):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    fetched: list[str] = []
    for package in font_packages(manifest):
        wanted = [font for font in package.fonts if _hash(folder / font.file) != font.sha256]
        if wanted:
            _extract(package, wanted, folder)
            fetched += [font.file for font in wanted]
    stamp = {font.file: _state(folder, font) for font in _fonts(manifest)}
    _write(folder / _STAMP, json.dumps(stamp, indent=1).encode())
    return fetched


def _fonts(manifest: Path) -> list[PinnedFont]:
    return [font for package in font_packages(manifest) for font in package.fonts]


def _state(folder: Path, font: PinnedFont) -> list[int | str] | None:
    try:
        stat = (folder / font.file).stat()
    except OSError:
        return None
    return [font.sha256, stat.st_size, stat.st_mtime_ns]


def _hash(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _extract(package: FontPackage, fonts: list[PinnedFont], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _download(package, Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            for font in fonts:
                data = archive.read(font.member)
                if hashlib.sha256(data).hexdigest() != font.sha256:
                    raise WrongFont(f"{font.member} in {wheel.name} is not the pinned font")
                _write(folder / font.file, data)


def _download(package: FontPackage, scratch: Path) -> Path:
    pins = scratch / "requirements.txt"
    pins.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--dest", str(scratch), "-r", str(pins)]
    subprocess.run(command, check=True, timeout=600)
    return next(scratch.glob("*.whl"))


def _write(path: Path, data: bytes) -> None:
    """Write so that a reader beside us sees the old file or the new one, never half of it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.fonts", description=__doc__.split("\n")[0])
    parser.add_argument("--to", type=Path, default=DEFAULT, metavar="FOLDER")
    parser.add_argument("--of", type=Path, default=MANIFEST, metavar="MANIFEST")
    options = parser.parse_args(arguments)
    folder: Path = options.to
    fetched = fetch(folder, options.of)
    print(f"{folder}: {len(fetched)} fonts fetched" if fetched else f"{folder}: all fonts are there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
