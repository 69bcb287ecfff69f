"""Whether a long run stays as it began: python -m bench.load [--jobs N] [--check].

Starts a local cloud, two workers of `process_image` beside it and engines that always cost the same, and
keeps so many pictures queued until all are done. For each tenth of the jobs, in the order in which they
ended, it prints how long they had waited, how many were done a second, the workers' memory, and the provider
calls and SQL statements of a job. `--check` fails where one of them drifts. Writes build/bench/load.json.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, Final

import requests
from PIL import Image, ImageDraw

from bench.load_engine import serve
from local.services import ports
from local.testing import Cloud, running, until
from shared.auth.principal import Principal
from shared.core.priority import Priority
from shared.jobs.schemas import CreateJob

ROOT: Final = Path(__file__).resolve().parent.parent
REPORT: Final = ROOT / "build" / "bench" / "load.json"
WORKERS: Final = 2
QUEUED: Final = 50
QUEUE: Final = "projects/imangor-local/locations/us-central1/queues/process-image-bulk"
DRIFT: Final = {"queue_age_s": 0.35, "jobs_per_s": 0.35, "memory_mib": 0.10, "calls": 0.0, "statements": 0.05}
"""How much the last three tenths may differ from the three after the first, relatively."""

_PROGRESS = """
select count(*), extract(epoch from clock_timestamp()) from jobs where finished_at is not null
"""
_ENDED = """
select j.id, extract(epoch from j.finished_at), extract(epoch from min(s.started_at) - j.created_at),
  sum(jsonb_array_length(s.calls)), j.state
from jobs j join job_steps s on s.job_id = j.id
where j.finished_at is not null group by j.id order by j.finished_at
"""


class Picture:
    """One picture unlike every other."""

    filename = "sign.png"

    def __init__(self, number: int):
        self._number = number

    def data(self) -> bytes:
        """A sign as PNG."""
        image = Image.new("RGB", (320, 120), (20, 60, 120))
        ImageDraw.Draw(image).text((20, 44), f"Closing {self._number}", fill="white", font_size=32)
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()


@contextmanager
def workers(cloud: Cloud, engine: int) -> Iterator[tuple[str, list[int]]]:
    """Processes of the function as the gateway starts them, behind one address that takes turns."""
    inner = [ports.free() for _ in range(WORKERS)]
    turn, lock = cycle(inner), threading.Lock()

    class Front(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                port = next(turn)
            reply = requests.post(
                f"http://127.0.0.1:{port}/", data=body, headers=dict(self.headers), timeout=300
            )
            self.send_response(reply.status_code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing: every task would be a line."""

    front = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{front.server_port}/{{function}}"
    own = {"VISION_ENDPOINT": f"127.0.0.1:{engine}", "TRANSLATE_ENDPOINT": f"127.0.0.1:{engine}"}
    processes = [_worker(cloud, port, {**own, "FUNCTION_URL": url}) for port in inner]
    try:
        for port in inner:
            until(lambda port=port: _answers(port), 60)  # type: ignore[misc]
        yield url, [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
        front.shutdown()


def _worker(cloud: Cloud, port: int, more: dict[str, str]) -> subprocess.Popen[bytes]:
    env = cloud.environment("process_image") | more
    source = ROOT / "functions" / "process_image" / "main.py"
    env |= {"PORT": str(port), "FUNCTION_TARGET": "process_image", "FUNCTION_SOURCE": str(source)}
    env |= {"PYTHONPATH": str(ROOT), "THREADS": "1", "CONCURRENCY": "1", "LOG_LEVEL": "WARNING"}
    command = [str(Path(sys.executable).with_name("functions-framework")), "--host", "127.0.0.1"]
    return subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=2).status_code > 0
    except requests.ConnectionError:
        return False


def _memory(pid: int) -> float:
    """Mebibytes of a process and its children that are in memory."""
    path = Path(f"/proc/{pid}")
    children = (path / "task" / str(pid) / "children").read_text().split()
    pages = int((path / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(_memory(int(child)) for child in children)


def _set_pace(cloud: Cloud) -> None:
    from google.cloud.tasks_v2 import CloudTasksClient
    from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
    from grpc import insecure_channel

    channel = insecure_channel(cloud.connection["tasks"])
    client = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
    limits = {"max_concurrent_dispatches": WORKERS, "max_dispatches_per_second": 500}
    client.update_queue(request={"queue": {"name": QUEUE, "rate_limits": limits}})


def _count_statements(cloud: Cloud) -> None:
    """Have the server write down every statement with its user."""
    database = cloud.database()
    database.run("alter system set log_line_prefix = '%u '")
    database.run("alter system set log_statement = 'all'")
    database.run("select pg_reload_conf()")
    database.close()


class Feeder:
    """Creates jobs through the service, so that so many are always waiting, and looks at how things stand."""

    def __init__(self, cloud: Cloud, url: str, pids: list[int], jobs: int):
        os.environ |= cloud.environment("jobs") | {"FUNCTION_URL": url, "LOG_LEVEL": "WARNING"}
        self.cloud, self.pids, self.jobs = cloud, pids, jobs
        self.made = 0
        self.samples: list[tuple[float, float, int]] = []
        self._log = cloud.state.logs / "postgres.log"
        self._read = self._statements = 0

    def run(self) -> list[Any]:
        """Feed until every job has ended; their rows in the order of their ends."""
        database = self.cloud.database()
        while True:
            ((ended, now),) = database.run(_PROGRESS)
            memory = sum(map(_memory, self.pids))
            self.samples.append((float(now), memory, self._so_far()))
            if ended >= self.jobs:
                return list(database.run(_ENDED))
            for _ in range(min(QUEUED - (self.made - ended), self.jobs - self.made)):
                self._create()
            time.sleep(0.5)

    def _create(self) -> None:
        from shared.context import Context

        context = Context.for_request(operation="create_job", request_id="load")
        context.principal = Principal("key_load", self.cloud.account, frozenset())
        order = CreateJob(targets=["es"], source_language="en", priority=Priority.BULK)
        with context.unit_of_work():
            context.jobs.create(context.principal, order, Picture(self.made))
        self.made += 1

    def _so_far(self) -> int:
        with self._log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._statements += line.startswith(b"fn_process_image LOG:  ")
        return self._statements


def report(rows: list[Any], samples: list[tuple[float, float, int]]) -> dict[str, Any]:
    """Each tenth of the jobs, and how far the last three are from the three after the first."""
    tenth = max(1, len(rows) // 10)
    tenths = [
        _tenth(rows[start - 1 : start + tenth], samples)
        for start in range(tenth, len(rows) - tenth + 1, tenth)
    ]
    first, last = tenths[:3], tenths[-3:]
    drift = {}
    for name in DRIFT:
        before, after = (statistics.median(part[name] for part in side) for side in (first, last))
        drift[name] = round((after - before) / before, 4) if before else float(after != 0)
    failed = sum(state != "completed" for *_, state in rows)
    facts = {"jobs": len(rows), "failed": failed, "workers": WORKERS, "queued": QUEUED}
    return {**facts, "tenths": tenths, "drift": drift, "allowed": DRIFT, "at": datetime.now().isoformat()}  # noqa: DTZ005


def _tenth(rows: list[Any], samples: list[tuple[float, float, int]]) -> dict[str, float]:
    """The first row is the one before, at whose end the others' time begins."""
    began, ended = float(rows[0][1]), float(rows[-1][1])
    inside = [sample for sample in samples if began <= sample[0] <= ended] or samples[-1:]
    jobs = len(rows) - 1
    return {
        "queue_age_s": round(statistics.median(float(row[2]) for row in rows[1:]), 2),
        "jobs_per_s": round(jobs / (ended - began), 2),
        "memory_mib": round(statistics.mean(memory for _, memory, _ in inside), 1),
        "calls": round(statistics.mean(int(row[3]) for row in rows[1:]), 2),
        "statements": round((_statements(samples, ended) - _statements(samples, began)) / jobs, 1),
    }


def _statements(samples: list[tuple[float, float, int]], moment: float) -> float:
    """How many there had been by then, between two samples in proportion."""
    for (before, _, few), (after, _, many) in pairwise(samples):
        if before <= moment <= after:
            return few + (many - few) * (moment - before) / (after - before)
    return float(samples[-1][2])


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--check", action="store_true", help="fail where something drifts")
    options = parser.parse_args(arguments)
    server, engine = serve()
    with running() as cloud, workers(cloud, engine) as (url, pids):
        _set_pace(cloud)
        _count_statements(cloud)
        feeder = Feeder(cloud, url, pids, options.jobs)
        found = report(feeder.run(), feeder.samples)
    server.stop(None)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    names = list(DRIFT)
    print("  ".join(f"{name:>12}" for name in names))
    for tenth in [*found["tenths"], found["drift"]]:
        print("  ".join(f"{tenth[name]:>12}" for name in names))
    over = [name for name in names if abs(found["drift"][name]) > DRIFT[name]]
    print(f"{found['jobs']} jobs, {found['failed']} failed; drifting: {', '.join(over) or 'nothing'}")
    return 1 if options.check and (over or found["failed"]) else 0


if __name__ == "__main__":
    sys.exit(main())
