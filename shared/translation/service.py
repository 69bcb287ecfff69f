"""Translating a scene's blocks: what needs it, what was bought before, one provider call for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.db.unit_of_work import UnitOfWork
from shared.providers.call import Call
from shared.providers.translate import ENGINE, Translator
from shared.scenes.schemas import Block, Flag, Scene, Translation
from shared.translation.keep import is_kept
from shared.translation.memory import bought, keep, result_key
from shared.translation.tags import same

KEPT = "kept"


@dataclass
class TranslatedScene:
    """One target's translations by block id, the keys of the answers in them, and what they cost."""

    blocks: dict[str, Translation]
    keys: list[bytes] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    cache_hits: int = 0


class SceneTranslator:
    """Translates in one location, looking at the account's bought results first."""

    def __init__(
        self,
        open_uow: Callable[[], UnitOfWork],
        translator: Translator,
        location: str,
        job: str | None = None,
    ):
        """`job` is the one that buys."""
        self._open_uow = open_uow
        self._translator = translator
        self._location = location
        self._job = job

    def translate(self, scene: Scene, source: str | None, target: str) -> TranslatedScene:
        """Translate what needs it. `source` None takes the language that recognition found.

        What was bought is remembered at once. Raises the provider's errors.
        """
        language = source or scene.language
        wanted = [block for block in scene.blocks if needs_translation(block, language, target)]
        keys = translation_keys(scene, self._location, source, target)
        with self._open_uow() as uow:
            known = bought(uow, list(keys.values()))
        missing = [text for text, key in keys.items() if key not in known]
        result = TranslatedScene({}, list(keys.values()), cache_hits=len(keys) - len(missing))
        answers: dict[bytes, Any] = {}
        if missing:
            texts, result.calls = self._translator.translate(missing, language, target)
            answers = {keys[text]: answer.text for text, answer in zip(missing, texts, strict=True)}
            with self._open_uow() as uow:
                keep(uow, answers, self._job)
        for block in scene.blocks:
            result.blocks[block.id] = _kept(block)
        for block in wanted:
            key = keys[block.text]
            text = known[key] if key in known else answers[key]
            result.blocks[block.id] = Translation(text=text, engine=ENGINE, cached=key in known)
        return result


def translation_keys(scene: Scene, location: str, source: str | None, target: str) -> dict[str, bytes]:
    """The key of each text that a target needs, by text. `source` is as in `translate`."""
    language = source or scene.language
    texts = [block.text for block in scene.blocks if needs_translation(block, language, target)]
    settings = {"source": language, "target": target, "mime": "text/plain"}
    return {text: result_key(ENGINE, location, text, **settings) for text in texts}


def needs_translation(block: Block, source: str | None, target: str) -> bool:
    """Whether a block's text should be translated: it has words, and they are not the target's already."""
    # Recognition says `zh` where the caller knows `zh-CN`.
    language = source if block.language is None or same(block.language, source) else block.language
    return not is_kept(block.text) and not same(language, target)


def _kept(block: Block) -> Translation:
    flags = [] if is_kept(block.text) else [Flag.NOT_TRANSLATED]
    return Translation(text="", engine=KEPT, flags=flags)
