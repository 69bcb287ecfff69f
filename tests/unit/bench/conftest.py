import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session", autouse=True)
def own_fonts() -> None:
    """Pages are drawn with the product's fonts at least; a fresh clone has none yet."""
    command = [sys.executable, "-m", "tools.fonts", "--to", str(ROOT / "build" / "fonts")]
    subprocess.run(command, cwd=ROOT, check=True)
