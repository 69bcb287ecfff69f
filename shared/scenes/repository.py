"""Scenes in the database: what was recognised, and beside it what each target made of it."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.models import scene_translations, scenes
from shared.db.unit_of_work import UnitOfWork
from shared.scenes.schemas import Scene, Translation

_BLOCKS: TypeAdapter[dict[str, Translation]] = TypeAdapter(dict[str, Translation])


class SceneRepository:
    """The scenes of the unit of work's account, by job."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add(self, job: str, scene: Scene, *, bought: bool = True) -> None:
        """Keep what was recognised, and whether this job bought that; translations are kept apart."""
        document = scene.model_dump(mode="json")
        values = {"job_id": job, "account_id": self._uow.account, "document": document, "bought": bought}
        self._uow.execute(insert(scenes).values(**values))

    def exists(self, job: str) -> bool:
        """Whether the job's picture was recognised."""
        return self._uow.execute(select(scenes.c.job_id).where(scenes.c.job_id == job)).first() is not None

    def was_bought(self, job: str) -> bool:
        """Whether what was recognised was bought for this job, or for the one that it retries."""
        query = select(scenes.c.bought).where(scenes.c.job_id == job)
        return bool(self._uow.execute(query).scalar_one_or_none())

    def pages(self, job: str) -> int:
        """How many pages the job's picture has."""
        query = select(func.jsonb_array_length(scenes.c.document["source"]["pages"]))
        return self._uow.execute(query.where(scenes.c.job_id == job)).scalar_one_or_none() or 1

    def find(self, job: str) -> Scene | None:
        """The scene with all translations made so far."""
        document = self._uow.execute(
            select(scenes.c.document).where(scenes.c.job_id == job)
        ).scalar_one_or_none()
        if document is None:
            return None
        scene = Scene.model_validate(document)
        query = select(scene_translations.c.language, scene_translations.c.blocks)
        for row in self._uow.execute(query.where(scene_translations.c.job_id == job)):
            translated(scene, row.language, _BLOCKS.validate_python(row.blocks))
        return scene

    def translate(self, job: str, language: str, blocks: dict[str, Translation]) -> None:
        """Keep a target's translations, by block id; replaces earlier ones."""
        values: dict[str, Any] = {"blocks": _BLOCKS.dump_python(blocks, mode="json")}
        statement = upsert(scene_translations).values(
            job_id=job, account_id=self._uow.account, language=language, **values
        )
        self._uow.execute(statement.on_conflict_do_update(index_elements=["job_id", "language"], set_=values))

    def copy(self, parent: str, child: str) -> bool:
        """Give a child job its parent's scene, without translations; False when there is none."""
        scene = self.find(parent)
        if scene is None:
            return False
        for block in scene.blocks:
            block.translations.clear()
        self.add(child, scene, bought=self.was_bought(parent))
        return True

    def remove(self, job: str) -> None:
        """Forget the job's text."""
        self._uow.execute(delete(scene_translations).where(scene_translations.c.job_id == job))
        self._uow.execute(delete(scenes).where(scenes.c.job_id == job))


def translated(scene: Scene, language: str, blocks: dict[str, Translation]) -> Scene:
    """Put a target's translations into the scene's blocks; gives the same scene."""
    for block in scene.blocks:
        if block.id in blocks:
            block.translations[language] = blocks[block.id]
    return scene
