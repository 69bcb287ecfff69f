"""`terraform/capabilities.yaml`: what each word of `uses` gives, for tools and tests that compare with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).resolve().parent.parent / "terraform" / "capabilities.yaml"


class Role(BaseModel):
    """An IAM role, and the kind of resource that it is granted on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str = Field(pattern=r"^(roles|custom)/[a-zA-Z.]+$")
    on: str

    def in_project(self, project: str) -> str:
        """The role as it is granted; one of our own belongs to the project."""
        return self.role.replace("custom/", f"projects/{project}/roles/")


class Grant(BaseModel):
    """What one word gives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roles: list[Role]
    env: list[str]
    cloud: list[str]
    local: list[str]
    secrets: list[str]
    database_role: str | None = None
    network: str | None = None

    @property
    def in_the_cloud(self) -> set[str]:
        """Names of the settings that a deployed function sees."""
        return {*self.env, *self.cloud, *self.secrets}

    @property
    def in_the_local_cloud(self) -> set[str]:
        """Names of the settings that a function of the local cloud sees."""
        return {*self.env, *self.local, *self.secrets}


class Capabilities(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    always: Grant
    custom_roles: dict[str, list[str]]
    manifest: list[str]
    words: dict[str, Grant]

    def giving(self, setting: str) -> list[str]:
        """The words that give a setting; `always` and `concurrency` where no word is needed."""
        if setting in self.always.in_the_cloud | self.always.in_the_local_cloud:
            return ["always"]
        if setting in self.manifest:
            return ["concurrency"]
        return [w for w, g in self.words.items() if setting in g.in_the_cloud | g.in_the_local_cloud]


@cache
def capabilities() -> Capabilities:
    """Read the file; raises pydantic's ValidationError where it does not say what it should."""
    return Capabilities.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
