"""A source with several pages: one scene over all of them, and each page's share of it."""

from __future__ import annotations

from collections.abc import Sequence

from shared.scenes.schemas import Page, Scene


def gathered(scenes: Sequence[Scene]) -> Scene:
    """One scene of the scenes of a source's pages, in their order; the blocks are numbered anew.

    The scene of a single page is that page's.
    """
    first = scenes[0]
    if len(scenes) == 1:
        return first
    blocks = [
        block.model_copy(update={"page": page}) for page, scene in enumerate(scenes) for block in scene.blocks
    ]
    numbered = [block.model_copy(update={"id": f"b{number}"}) for number, block in enumerate(blocks)]
    sizes = [Page(width=scene.source.width, height=scene.source.height) for scene in scenes]
    language = next((scene.language for scene in scenes if scene.language), None)
    source = first.source.model_copy(update={"pages": sizes})
    return first.model_copy(update={"source": source, "blocks": numbered, "language": language})


def of_page(scene: Scene, page: int) -> Scene:
    """The scene of one page, counted from 0, with the blocks' own numbers."""
    if not scene.source.pages:
        return scene
    size = scene.source.pages[page]
    source = scene.source.model_copy(update={"width": size.width, "height": size.height, "pages": []})
    blocks = [block for block in scene.blocks if block.page == page]
    return scene.model_copy(update={"source": source, "blocks": blocks})
