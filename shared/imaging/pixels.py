"""Pictures as arrays: rows x columns, and channels last where there are several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]
Floats = NDArray[np.float32]
Reals = NDArray[np.float64]
Indices = NDArray[np.intp]
