"""Reading scenes."""

from __future__ import annotations

from collections.abc import Callable

from shared.db.unit_of_work import UnitOfWork
from shared.scenes.errors import SceneNotFound
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Scene


class SceneService:
    """The operations on scenes, in the request's unit of work."""

    def __init__(self, current: Callable[[], UnitOfWork]):
        self._current = current

    def get(self, job: str) -> Scene:
        """The job's scene with its translations; raises `SceneNotFound`."""
        scene = SceneRepository(self._current()).find(job)
        if scene is None:
            raise SceneNotFound()
        return scene
