"""Ink is found also where it stands out less than in the rest of the line."""

import cv2
import numpy as np

from shared.imaging.erase.erase import erase
from shared.imaging.ink.attached import Lie, Words, dilated
from shared.imaging.ink.missed import missed


def line_of_bars() -> tuple[np.ndarray, Words]:
    """Bars two pixels wide in every fifth column of a line of ten ems; and its words."""
    tight = np.zeros((40, 220), bool)
    tight[10:30, 10:210] = True
    wide = dilated(tight, 6)
    lie = Lie(0.0, 20.0, True, (20.0,))
    return tight & (np.arange(220) % 5 < 2), Words(tight, wide, ~wide, 20.0, lie)


def test_a_stretch_without_ink_is_looked_at_by_itself() -> None:
    """There the ground lies as far to one side of what passes for it as the ink does to the other."""
    bars, words = line_of_bars()
    along = np.where(bars, 30.0, 0.0).astype(np.float32)
    along[:, :90] = np.where(bars, 6.0, -6.0)[:, :90]
    core = bars & (np.arange(220) >= 90)
    found = missed(along, core, words)
    assert (found[:, :90] == bars[:, :90]).all()
    assert not found[:, 90:].any()


def test_of_mere_noise_little_passes_for_ink() -> None:
    bars, words = line_of_bars()
    rng = np.random.default_rng(1)
    along = np.where(bars, 30.0, 0.0) + rng.normal(size=bars.shape) * 2
    along[:, :90] = rng.normal(size=(40, 90)) * 2
    core = bars & (np.arange(220) >= 90)
    assert missed(along.astype(np.float32), core, words)[:, :90].mean() < 0.05


def test_text_whose_ground_darkens_goes_all_along(page) -> None:
    """Towards its end the ground is nearly as dark as the letters are, and grain is as strong as that."""
    rng = np.random.default_rng(3)
    grain = cv2.GaussianBlur(rng.normal(size=(120, 620, 3)).astype(np.float32), (0, 0), 0.8) * 6
    light = 165 + 25 * np.tanh((np.arange(620) - 330) / 60)
    photo = page(620, 120, ground=np.clip(light[None, :, None] + grain, 0, 255).astype(np.uint8))
    clean = photo.pixels.astype(float)
    photo.write("所有房间内都不允许吸烟", 40, 75, 42, ink=(118, 118, 118), language="zh")
    source, erased = photo.pixels.astype(float), photo.pixels.copy()
    erase(erased, None, photo.scene().blocks, [], "seed")
    for part in (slice(40, 270), slice(270, 500)):
        ink = (source - clean)[:, part]
        assert float((((erased - clean)[:, part]) * ink).sum() / (ink**2).sum()) < 0.1
