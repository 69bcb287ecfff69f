"""Which languages of a picture cost nothing, because the account bought all of it before."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from shared.db.models import accounts, jobs, scenes
from shared.db.unit_of_work import UnitOfWork
from shared.scenes.schemas import Scene
from shared.translation.memory import bought, recognition_key
from shared.translation.service import translation_keys


def bought_before(
    uow: UnitOfWork, sha256: str, pages: int, source: str | None, targets: Sequence[str]
) -> list[str]:
    """The targets for which exactly these bytes need no provider: read, and translated, before."""
    location = uow.execute(select(accounts.c.location)).scalar_one()
    keys = [recognition_key(location, sha256, source, page) for page in range(pages)]
    scene = _scene(uow, sha256, source)
    if scene is None or len(bought(uow, keys)) < pages:
        return []
    return [target for target in targets if _is_known(uow, scene, location, source, target)]


def _scene(uow: UnitOfWork, sha256: str, source: str | None) -> Scene | None:
    """The newest scene that a job from the quote would have, too: of these bytes read in the same language.

    A scene in which something was left alone needs fewer translations, so it says nothing of the others.
    """
    same = (
        scenes.c.document["source"]["sha256"].astext == sha256,
        jobs.c.source_language.is_not_distinct_from(source),
        jobs.c.leave_alone.is_(None),
    )
    query = select(scenes.c.document).join(jobs, jobs.c.id == scenes.c.job_id).where(*same)
    query = query.order_by(scenes.c.created_at.desc()).limit(1)
    document = uow.execute(query).scalar()
    return None if document is None else Scene.model_validate(document)


def _is_known(uow: UnitOfWork, scene: Scene, location: str, source: str | None, target: str) -> bool:
    keys = list(translation_keys(scene, location, source, target).values())
    return len(bought(uow, keys)) == len(set(keys))
