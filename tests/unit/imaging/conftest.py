import subprocess
import sys
from pathlib import Path

import pytest

from shared.imaging.fonts import FontLibrary

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def font_folder() -> Path:
    folder = ROOT / "build" / "fonts"
    subprocess.run([sys.executable, "-m", "tools.fonts", "--to", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def fonts(font_folder: Path) -> FontLibrary:
    return FontLibrary(font_folder)
