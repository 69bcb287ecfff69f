"""Write terraform/provider.schema.json: python -m tools.provider_schema --write [--wheel FILE], or --check.

The file holds, for the resource types that our Terraform names, which arguments and blocks the Google
provider knows, which are required, and which attributes can be read. It is taken from the type definitions in
the PyPI package `cdktn-provider-google`, made from the provider's own schema; pip fetches it (64 MB).
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tools.hcl import TERRAFORM, modules

PACKAGE = "cdktn-provider-google==21.1.0"
FILE = TERRAFORM / "provider.schema.json"

_INTERFACE = re.compile(r"^export interface (\w+)(?: extends [\w.]+)? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(
    r"docs/(?:resources|data-sources)/\w+#(\w+) (?:(?!\*/).)*?\*/\s+readonly \w+(\??): ([^;{]*)", re.DOTALL
)
_GETTER = re.compile(r"^    get (\w+)\(\)", re.MULTILINE)
_VERSION = re.compile(r"providers/hashicorp/google/([\d.]+)/docs")


def used() -> set[str]:
    """Types that our Terraform names; those of data sources begin with `data.`."""
    found = set()
    for module in modules().values():
        found |= set(module.get("resource", {})) | {f"data.{kind}" for kind in module.get("data", {})}
    return {kind for kind in found if kind.removeprefix("data.").startswith("google_")}


def extract(definitions: str) -> dict[str, Any]:
    """The schema of one type, from its TypeScript definitions: arguments, and attributes that can be read."""
    interfaces = dict(_INTERFACE.findall(definitions))
    config = next(
        n for n in interfaces if n.endswith("Config") and "TerraformMetaArguments" in _line(definitions, n)
    )
    main = definitions[definitions.index(f"export declare class {config.removesuffix('Config')} ") :]
    readable = {_snake(name) for name in _GETTER.findall(main) if not name.endswith("Input")}
    return {"arguments": _block(interfaces, config), "attributes": sorted(readable)}


def _line(definitions: str, name: str) -> str:
    return next(line for line in definitions.splitlines() if line.startswith(f"export interface {name} "))


def _block(interfaces: dict[str, str], name: str) -> dict[str, Any]:
    arguments = {}
    for argument, optional, kind in _FIELD.findall(interfaces[name]):
        nested = re.sub(r"\[\]| \| cdktn\.IResolvable", "", kind).strip()
        entry: dict[str, Any] = {} if optional else {"required": True}
        if nested in interfaces:
            entry["block"] = _block(interfaces, nested)
        elif nested[:1].isupper():
            raise SystemExit(f"{name}.{argument} is a {nested}, which is not defined")
        arguments[argument] = entry
    return arguments


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def schema(wheel: Path) -> dict[str, Any]:
    """What the file holds, from the package's wheel."""
    with zipfile.ZipFile(wheel) as package:
        inner = next(name for name in package.namelist() if name.endswith(".jsii.tgz"))
        archive = package.read(inner)
    folders = {_folder(kind): kind for kind in used()}
    definitions: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for entry in files:
            # A large type has its blocks in files beside its own.
            kind = folders.get(entry.name.removeprefix("package/lib/").partition("/")[0])
            if kind and entry.name.endswith(".d.ts") and (content := files.extractfile(entry)):
                definitions[kind] = definitions.get(kind, "") + content.read().decode()
    types = {kind: extract(text) for kind, text in definitions.items()}
    version = _VERSION.findall(next(iter(definitions.values())))[0]
    if unknown := used() - set(types):
        raise SystemExit(f"the provider does not know {sorted(unknown)}")
    return {"provider": version, "package": PACKAGE, "types": dict(sorted(types.items()))}


def _folder(kind: str) -> str:
    name = kind.removeprefix("data.").removeprefix("google_").replace("_", "-")
    return f"data-google-{name}" if kind.startswith("data.") else name


def _text(content: dict[str, Any]) -> str:
    """One line for each type, so that a diff tells which type changed."""
    lines = [f"  {json.dumps(kind)}: {json.dumps(found)}" for kind, found in content["types"].items()]
    head = f'{{\n"provider": "{content["provider"]}",\n"package": "{content["package"]}",\n"types": {{\n'
    return head + ",\n".join(lines) + "\n}\n}\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.provider_schema", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the file; otherwise compare it")
    parser.add_argument("--wheel", type=Path, help="the package, where it is already there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        wheel = options.wheel or _download(Path(folder))
        text = _text(schema(wheel))
    if options.write:
        FILE.write_text(text, encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != text:
        print(
            f"{FILE.name} is not what {PACKAGE} says: python -m tools.provider_schema --write",
            file=sys.stderr,
        )
        return 1
    return 0


def _download(folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        PACKAGE,
        "--dest",
        str(folder),
    ]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


if __name__ == "__main__":
    sys.exit(main())
