"""Make one zip for each function: python -m tools.bundle [FUNCTION…] [--to FOLDER], or --list FUNCTION.

A bundle is a folder that the functions framework can serve: `main.py`, its manifest and the defaults, the
pinned requirements, the part of `shared` that `main.py` reaches, and what that part reads: the OpenAPI
document, fonts. The same sources give the same bytes, so that a bundle's hash tells whether to deploy.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import marshal
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath

from shared.edge.manifest import load, load_all
from shared.imaging.typesetting.fonts import font_packages
from shared.reference.page import pins
from tools.reach import Reach, reach
from tools.reference import wrong

ROOT = Path(__file__).resolve().parent.parent
FONTS = ROOT / "build" / "fonts"
DEFAULT = ROOT / "build" / "bundles"

_RENDERER = "shared.imaging.typesetting.fonts"
_PAGE = "shared.reference.page"
_DESCRIPTION = "openapi"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644
_UNIX = 3
_UNCHECKED_HASH = (1).to_bytes(4, "little")
_STABLE_MARSHAL = 2


class NotBundled(Exception):
    """A bundle cannot be made; the message says what to do."""


def contents(function: str, root: Path = ROOT, fonts: Path = FONTS) -> dict[str, bytes]:
    """The files of one function's bundle, by path. Raises `NotBundled`."""
    folder = root / "functions" / function
    if not (folder / "main.py").is_file():
        raise NotBundled(f"{function} is not a function of {root / 'functions'}")
    found = reach(root, folder / "main.py")
    files = {
        "main.py": folder / "main.py",
        "function.yaml": folder / "function.yaml",
        "defaults.yaml": folder.parent / "defaults.yaml",
        "requirements.txt": root / "requirements.txt",
        **{path.relative_to(root).as_posix(): path for path in _sources(found)},
    }
    if _DESCRIPTION in found.members():
        files["openapi.json"] = root / "openapi.json"
    bundle = {name: path.read_bytes() for name, path in files.items()}
    if _RENDERER in found.modules:
        bundle |= _fonts(fonts)
    if _PAGE in found.modules:
        bundle |= _page(root / "build" / "reference")
    if compiles_for(load(folder).runtime):
        bundle |= dict(_compiled(name, data) for name, data in bundle.items() if name.endswith(".py"))
    return dict(sorted(bundle.items()))


def archive(bundle: Mapping[str, bytes]) -> bytes:
    """The files as a zip. They are stored, not compressed, because compressors differ between machines."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(bundle):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _FILE_MODE << 16
            file.writestr(entry, bundle[name])
    return out.getvalue()


def compiles_for(runtime: str) -> bool:
    """Whether this interpreter's bytecode is that of a runtime such as python311."""
    return runtime == f"python{sys.version_info.major}{sys.version_info.minor}"


def _sources(found: Reach) -> list[Path]:
    """The reached modules, and the data files beside them that they name."""
    files = list(found.modules.values())
    for path in found.modules.values():
        beside = [p for p in path.parent.iterdir() if p.is_file() and p.suffix not in (".py", ".pyc")]
        files += [p for p in beside if f'"{p.name}"' in path.read_text(encoding="utf-8")]
    return files


def _fonts(folder: Path) -> dict[str, bytes]:
    found = {}
    for font in (font for package in font_packages() for font in package.fonts):
        path = folder / font.file
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != font.sha256:
            raise NotBundled(f"{path} is not the pinned font: python -m tools.fonts --to {folder}")
        found[f"fonts/{font.file}"] = data
    return found


def _page(folder: Path) -> dict[str, bytes]:
    files = pins()
    if wrong(folder, files):
        raise NotBundled(f"{folder} does not hold the pinned files: python -m tools.reference --to {folder}")
    return {f"reference/{name}": (folder / name).read_bytes() for name in files}


@cache
def _compiled(name: str, source: bytes) -> tuple[str, bytes]:
    """The bytecode of a source file as PEP 552 wants it, never checked against the source.

    Later formats of marshal mark what the process that writes them happened to refer to twice.
    """
    code = marshal.dumps(compile(source, name, "exec", dont_inherit=True), _STABLE_MARSHAL)
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source)
    path = PurePosixPath(name)
    cached = f"{path.stem}.{sys.implementation.cache_tag}.pyc"
    return str(path.parent / "__pycache__" / cached), header + code


def _write(path: Path, data: bytes) -> bool:
    """Replace a file as a whole where its bytes differ; tell whether they did."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
    return True


def _show(function: str, fonts: Path) -> None:
    bundle = contents(function, fonts=fonts)
    for name, data in bundle.items():
        print(f"{hashlib.sha256(data).hexdigest()[:16]} {len(data):>9} {name}")
    print(f"{hashlib.sha256(archive(bundle)).hexdigest()}  {function}.zip")


def _make(functions: list[str], to: Path, fonts: Path) -> None:
    manifests = load_all(ROOT / "functions")
    runtime = next(iter(manifests.values())).runtime
    if not compiles_for(runtime):
        print(f"without bytecode: this is Python {sys.version.split()[0]}, the functions run on {runtime}")
    for function in functions or manifests:
        data = archive(contents(function, fonts=fonts))
        state = "written" if _write(to / f"{function}.zip", data) else "unchanged"
        print(f"{hashlib.sha256(data).hexdigest()}  {function}.zip  {len(data) / 2**20:.1f} MiB  {state}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.bundle", description="One zip for each function.")
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="all, where none is named")
    parser.add_argument("--to", type=Path, default=DEFAULT, metavar="FOLDER")
    parser.add_argument("--fonts", type=Path, default=FONTS, metavar="FOLDER", help="made by tools.fonts")
    parser.add_argument("--list", metavar="FUNCTION", help="only show what a bundle holds, and its hashes")
    options = parser.parse_args(arguments)
    try:
        if options.list:
            _show(options.list, options.fonts)
        else:
            _make(options.functions, options.to, options.fonts)
    except NotBundled as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
