"""Translating a scene's blocks: what needs it, what was bought before, one provider call for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.db.unit_of_work import UnitOfWork
from shared.providers.call import Call
from shared.providers.translate import ENGINE, Translator
from shared.scenes.schemas import Block, Flag, Scene, Translation
from shared.translation.already import is_in
from shared.translation.keep import is_kept
from shared.translation.memory import bought, keep, result_key
from shared.translation.protect import marked, protected, restored, unmarked

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
        wanted = [block for block in scene.blocks if needs_translation(block, scene, source, target)]
        keys = translation_keys(scene, self._location, source, target)
        with self._open_uow() as uow:
            known = bought(uow, list(keys.values()))
        missing = [text for text, key in keys.items() if key not in known]
        result = TranslatedScene({}, list(keys.values()), cache_hits=len(keys) - len(missing))
        answers: dict[bytes, Any] = {}
        if missing:
            texts, result.calls = self._bought(missing, scene, language, target)
            answers = {keys[text]: answer for text, answer in zip(missing, texts, strict=True)}
            with self._open_uow() as uow:
                keep(uow, answers, self._job)
        for block in scene.blocks:
            result.blocks[block.id] = _kept(block, scene)
        for block in wanted:
            key = keys[block.text]
            text = known[key] if key in known else answers[key]
            result.blocks[block.id] = _checked(block, scene, text, cached=key in known)
        return result

    def _bought(
        self, texts: list[str], scene: Scene, source: str | None, target: str
    ) -> tuple[list[str], list[Call]]:
        """The translations of texts, by as few calls as can be: as HTML when a part of any must stay."""
        terms = scene.leave_alone.do_not_translate
        parts = [protected(text, terms) for text in texts]
        if not any(parts):
            plain, calls = self._translator.translate(texts, source, target)
            return [answer.text for answer in plain], calls
        pages = [marked(text, spans) for text, spans in zip(texts, parts, strict=True)]
        answers, calls = self._translator.translate(pages, source, target, mime="text/html")
        return [unmarked(answer.text) for answer in answers], calls


def translation_keys(scene: Scene, location: str, source: str | None, target: str) -> dict[str, bytes]:
    """The key of each text that a target needs, by text. `source` is as in `translate`."""
    language = source or scene.language
    texts = [block.text for block in scene.blocks if needs_translation(block, scene, source, target)]
    return {text: _key(text, scene, location, language, target) for text in texts}


def _key(text: str, scene: Scene, location: str, source: str | None, target: str) -> bytes:
    """The key of an answer; the parts that it must keep shape it."""
    settings: dict[str, str | None] = {"source": source, "target": target, "mime": "text/plain"}
    parts = _parts(text, scene)
    if parts:
        settings["kept"] = "\n".join(parts)
    return result_key(ENGINE, location, text, **settings)


def needs_translation(block: Block, scene: Scene, source: str | None, target: str) -> bool:
    """Whether a block's text should be translated.

    It is not excluded, has words beside the terms that stay, and is not in the target language already.
    """
    if Flag.EXCLUDED in block.flags or is_kept(block.text, scene.leave_alone.do_not_translate):
        return False
    return not is_in(block.text, block.language, source or scene.language, target)


def _parts(text: str, scene: Scene) -> list[str]:
    return [text[start:end] for start, end in protected(text, scene.leave_alone.do_not_translate)]


def _checked(block: Block, scene: Scene, text: str, cached: bool) -> Translation:
    """The translation, or none when it lost a part that had to stay: a wrong name is worse than none."""
    whole = restored(text, _parts(block.text, scene))
    if whole is None:
        return Translation(text="", engine=KEPT, flags=[Flag.NOT_TRANSLATED, Flag.TERM_LOST])
    return Translation(text=whole, engine=ENGINE, cached=cached)


def _kept(block: Block, scene: Scene) -> Translation:
    if Flag.EXCLUDED in block.flags:
        return Translation(text="", engine=KEPT, flags=[Flag.EXCLUDED])
    kept = is_kept(block.text, scene.leave_alone.do_not_translate)
    return Translation(text="", engine=KEPT, flags=[] if kept else [Flag.NOT_TRANSLATED])
