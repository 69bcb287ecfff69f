"""The family of every text of a page: what looks alike is compared with the fonts together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np

from shared.imaging.frame import Frame
from shared.imaging.group.placed import Placed
from shared.imaging.style.face import LEAST_LETTERS, Family, Sample, likeness
from shared.imaging.style.lean import LEANING
from shared.imaging.style.weight import weight_of
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.scripts import script_of
from shared.scenes.schemas import Block

_WORDS = 6  # that are compared of each look
_LONG = 12  # letters from which a longer word says no more
_LOOKS = 8  # that are compared of a page, the largest letters first


def with_families(blocks: Sequence[Block], groups: Sequence[list[Placed]], fonts: FontLibrary) -> list[Block]:
    """The blocks with their families; `groups` are their lines.

    Blocks of one size, weight, ink and slant have one family. What is too small, too short or between two to
    tell takes the family of most other letters, sans or serif; mono only where there is no other.
    """
    looks: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, block in enumerate(blocks):
        style = block.style
        looks[style.size, style.weight, style.ink, style.italic].append(i)
    order = sorted(looks.values(), key=lambda members: -blocks[members[0]].style.size)
    sampled = [(members, _chosen(members, blocks, groups)) for members in order]
    found: dict[int, Family] = {}
    votes: list[tuple[Family, float]] = []
    for members, samples in [(members, samples) for members, samples in sampled if samples][:_LOOKS]:
        likely = likeness(samples, fonts)
        if likely is not None and likely.family is not None:
            found |= dict.fromkeys(members, likely.family)
            votes.append((likely.family, likely.certainty * sum(len(blocks[i].text) for i in members)))
    otherwise = _usual(votes)
    styles = [
        block.style.model_copy(update={"family": found.get(i, otherwise)}) for i, block in enumerate(blocks)
    ]
    for members in order:
        if styles[members[0]].family == "serif":
            weight = _weight([line for i in members for line in groups[i]])
            for i in members:
                styles[i].weight = weight or styles[i].weight
    return [block.model_copy(update={"style": style}) for block, style in zip(blocks, styles, strict=True)]


def _weight(lines: Sequence[Placed]) -> int | None:
    """The common weight of serif letters; None of scripts that have one serif face of one weight."""
    strokes = [line.look.stroke for line in lines if line.look is not None for _ in line.words]
    if not strokes or not any(script_of(char) in LEANING for char in lines[0].words):
        return None
    return weight_of(float(np.median(strokes)), lines[0].words, "serif")


def _usual(votes: list[tuple[Family, float]]) -> Family:
    """The family with most votes of sans and serif; mono where there are no others."""
    sans, serif, mono = (sum(n for name, n in votes if name == family) for family in get_args(Family))
    if mono and not sans + serif:
        return "mono"
    return "serif" if serif > sans else "sans"


def _chosen(members: Sequence[int], blocks: Sequence[Block], groups: Sequence[list[Placed]]) -> list[Sample]:
    """The words of some blocks that tell most, of one script, each once."""
    samples = [
        sample for i in members for line in groups[i] for sample in _samples(line, blocks[i].style.italic)
    ]
    samples.sort(key=lambda sample: -min(_LONG, len(sample.text)))
    chosen = {sample.text: sample for sample in samples if sample.script == samples[0].script}
    return list(chosen.values())[:_WORDS]


def _samples(line: Placed, leaning: bool) -> Iterator[Sample]:
    """The words of a line that are long enough, and of one script."""
    specimen = line.look.specimen if line.look is not None and line.is_measured else None
    if specimen is None or line.text.vertical:
        return
    frame = Frame.of(line.text.line.polygon)
    for word in line.text.words:
        scripts = {script_of(char) for char in word.text if char.isalpha()}
        if len(scripts) == 1 and sum(char.isalpha() for char in word.text) >= LEAST_LETTERS:
            along = frame.to_local(word.polygon)[:, 0]
            yield Sample(word.text, scripts.pop(), specimen, float(along.min()), float(along.max()), leaning)
