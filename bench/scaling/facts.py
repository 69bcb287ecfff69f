"""What the simulation knows: manifests, environments, and `bench/scaling.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.edge.manifest import Manifest, load_all

ROOT = Path(__file__).resolve().parent.parent.parent
INPUTS = ROOT / "bench" / "scaling.toml"
RESERVED = 20
"""Connections for whoever is no function: migrations, Cloud SQL itself, somebody who looks."""

_PAIR = re.compile(r'^(\w+)\s*=\s*("[^"]*"|\d+|true|false)\s*$', re.MULTILINE)
_DEFAULT = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Environment:
    """One of `terraform/envs`, over the defaults of the variables."""

    name: str
    values: dict[str, str]

    def number(self, variable: str) -> int:
        return int(self.values[variable])

    def on(self, variable: str) -> bool:
        return self.values[variable] == "true"

    @property
    def cpus(self) -> int:
        """CPUs of the database's machine, which its name tells."""
        return int(self.values["database_tier"].split("-")[2])

    @property
    def memory_mib(self) -> int:
        return int(self.values["database_tier"].split("-")[3])


class Facts:
    """Everything that is read, once."""

    def __init__(self, root: Path = ROOT) -> None:
        self.manifests: dict[str, Manifest] = load_all(root / "functions")
        self._terraform = root / "terraform"
        self.inputs: dict[str, Any] = tomllib.loads(INPUTS.read_text(encoding="utf-8"))

    def work(self, name: str) -> float:
        """A number of the assumed work."""
        return float(self.inputs["work"][name]["value"])

    def price(self, name: str) -> float:
        return float(self.inputs["prices"][name]["usd"])

    def quota(self, name: str) -> float:
        return float(self.inputs["quotas"][name]["value"])

    @cached_property
    def environments(self) -> dict[str, Environment]:
        """By name."""
        text = (self._terraform / "variables.tf").read_text(encoding="utf-8")
        inner = {
            name: re.search(r"^  default +=(.*)$", body, re.MULTILINE)
            for name, body in _DEFAULT.findall(text)
        }
        defaults = {name: found[1].strip().strip('"') for name, found in inner.items() if found}
        files = sorted((self._terraform / "envs").glob("*.tfvars"))
        own = {path.stem: dict(_PAIR.findall(path.read_text(encoding="utf-8"))) for path in files}
        return {
            name: Environment(name, defaults | {key: value.strip('"') for key, value in values.items()})
            for name, values in own.items()
        }

    @property
    def connections(self) -> dict[str, int]:
        """Database connections of each function when all its instances run."""
        using = (m for m in self.manifests.values() if any(str(use).startswith("database") for use in m.uses))
        return {m.name: m.max_instances * m.pool_size for m in using}

    @property
    def busiest(self) -> float:
        """Pictures a second in the busiest hour at the scale of 1."""
        return self.work("pictures_a_day") / 86_400 * self.work("busiest")
