"""How dear a cold start is: python -m bench.cold_start [FUNCTION…] [--rounds N] [--check].

Starts a process for each function that loads it as the functions framework does, in rounds that take turns
with the framework's hello world, and compares the least processor time of each. Only the ratios mean
something; `--check` fails where one is above its bar.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from shared.edge.manifest import load_all

ROOT = Path(__file__).resolve().parent.parent
HTTP_BAR = 2.5
WORKER_BAR = 3.5

_HELLO = """import functions_framework

@functions_framework.http
def hello(request):
    return "hello"
"""
_LOAD = "import sys, functions_framework; functions_framework.create_app(sys.argv[1], sys.argv[2])"


def seconds(target: str, source: Path) -> float:
    """Processor seconds of a process that loads one function and ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LOAD, target, str(source)],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": tempfile.gettempdir()},
        stdin=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, f"loading {target}")
    return usage.ru_utime + usage.ru_stime


def measure(sources: dict[str, Path], rounds: int) -> dict[str, float]:
    """The least processor time of each, in seconds, from interleaved rounds after one to warm up."""
    for name, source in sources.items():
        seconds(name, source)
    times = [{name: seconds(name, source) for name, source in sources.items()} for _ in range(rounds)]
    return {name: min(each[name] for each in times) for name in sources}


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__.split("\n")[0])
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="all, where none is named")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true", help="fail above the bars")
    options = parser.parse_args(arguments)
    manifests = load_all(ROOT / "functions")
    names = options.functions or list(manifests)
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "main.py"
        hello.write_text(_HELLO, encoding="utf-8")
        sources = {name: ROOT / "functions" / name / "main.py" for name in names}
        times = measure({"hello": hello, **sources}, options.rounds)
    over = False
    print(f"{'hello':<16} {times['hello'] * 1000:6.0f} ms  1.00")
    for name in names:
        ratio = times[name] / times["hello"]
        bar = HTTP_BAR if manifests[name].public else WORKER_BAR
        over = over or ratio > bar
        print(f"{name:<16} {times[name] * 1000:6.0f} ms  {ratio:4.2f}  of {bar}")
    return 1 if over and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
