"""The runner with everything it runs: deaths, restarts, neighbours, and what outsiders are refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
import requests

from local.gateway.invokers import EVENTS, TASKS
from local.sample import SAMPLE
from local.services import ports
from local.testing import Cloud, run_local, running, start, until

pytestmark = pytest.mark.cloud

SERVICES = ["postgres", "valkey", "storage", "messaging"]


@pytest.fixture(scope="module")
def own() -> Iterator[Cloud]:
    """A cloud whose processes may be killed without disturbing other tests."""
    with running() as cloud:
        yield cloud


def descendants(cloud: Cloud) -> list[psutil.Process]:
    return psutil.Process(cloud.connection["pid"]).children(recursive=True)


def is_running(cloud: Cloud, name: str, not_pid: int) -> bool:
    service = next(s for s in cloud.status()["services"] if s["name"] == name)
    return service["state"] == "running" and service["pid"] != not_pid


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_is_back_on_its_port(own: Cloud, name: str) -> None:
    before = next(s for s in own.status()["services"] if s["name"] == name)
    killed = own.kill(name)

    until(lambda: is_running(own, name, killed), 15)

    after = next(s for s in own.status()["services"] if s["name"] == name)
    assert after["port"] == before["port"]
    assert after["restarts"] == before["restarts"] + 1


def test_the_database_keeps_what_was_committed_before_it_was_killed(own: Cloud) -> None:
    connection = own.database()
    connection.run("create table if not exists kept (n int)")
    connection.run("insert into kept values (7)")
    killed = own.kill("postgres")
    until(lambda: is_running(own, "postgres", killed), 15)

    again = own.database()
    assert again.run("select n from kept") == [[7]]
    again.run("drop table kept")
    again.close()


def test_the_api_works_again_after_every_service_was_killed(own: Cloud) -> None:
    assert own.request("GET", "/v1/jobs").status_code == 200
    killed = {name: own.kill(name) for name in SERVICES}
    for name, pid in killed.items():
        until(lambda name=name, pid=pid: is_running(own, name, pid), 15)

    until(lambda: own.request("GET", "/v1/jobs").status_code == 200, 15)


def test_an_engine_starts_at_its_first_connection_and_again_after_a_kill(own: Cloud) -> None:
    assert own.pid("translation") is None
    assert own.request("GET", "/v1/languages").status_code == 200
    killed = own.kill("translation")
    until(lambda: own.pid("translation") is None)
    # Neither Redis nor the function's process may remember the list.
    redis.Redis.from_url(f"redis://{own.connection['redis']}").flushall()
    own.kill("translations")
    until(lambda: own.pid("translations") is None)

    assert own.request("GET", "/v1/languages").status_code == 200
    assert own.pid("translation") not in (None, killed)


def test_a_second_runner_on_the_same_state_is_refused(own: Cloud) -> None:
    second = run_local("up", "--port", "0", "--state", str(own.state.folder))

    assert second.returncode == 1
    assert f"pid {own.connection['pid']}" in second.stderr
    assert second.stderr.rstrip().endswith(own.state.command("down"))


def test_a_taken_port_says_how_to_choose_another(own: Cloud, tmp_path: Path) -> None:
    taken = own.gateway.rpartition(":")[2]
    done = run_local("up", "--port", taken, "--state", str(tmp_path))

    assert done.returncode == 1
    assert f"port {taken} is taken" in done.stderr
    assert "--port N" in done.stderr


def test_two_clouds_stand_side_by_side(own: Cloud, cloud: Cloud) -> None:
    addresses = {
        c.connection[name] for c in (own, cloud) for name in ("gateway", "postgres", "storage", "tasks")
    }

    assert len(addresses) == 8
    assert own.request("GET", "/v1/jobs").status_code == 200
    assert cloud.request("GET", "/v1/jobs").status_code == 200
    assert cloud.request("GET", "/v1/jobs", key=own.api_key).status_code == 401


@pytest.mark.parametrize("service", ["on-upload", "process-image", "on-job-event", "on-dead-letter", "sweep"])
def test_event_and_task_functions_are_closed_to_all_but_the_platform(cloud: Cloud, service: str) -> None:
    path = f"/_functions/{service}"
    wrong = TASKS if service != "process-image" else EVENTS
    bearer = {"Authorization": f"Bearer {cloud.token(service, wrong)}"}
    expired = {"Authorization": f"Bearer {cloud.token(service, EVENTS, lifetime=-600)}"}

    assert cloud.request("POST", path, json={}).status_code == 403
    assert cloud.request("POST", path, json={}, headers={"Authorization": "Bearer a.b.c"}).status_code == 401
    assert cloud.request("POST", path, json={}, headers=expired).status_code == 401
    assert cloud.request("POST", path, json={}, headers=bearer).status_code == 403


def test_a_function_sees_nothing_beyond_its_uses(cloud: Cloud) -> None:
    docs, jobs = cloud.environment("docs"), cloud.environment("jobs")

    assert "KEY_PEPPER" in jobs
    assert not {"KEY_PEPPER", "TASKS_ENDPOINT", "GOOGLE_APPLICATION_CREDENTIALS", "VISION_ENDPOINT"} & set(
        docs
    )
    assert jobs["DATABASE_URL"] != docs["DATABASE_URL"]


def test_each_database_user_has_one_group_and_passes_by_no_policy(cloud: Cloud) -> None:
    connection = cloud.database()
    rows = connection.run(
        "select u.rolname, u.rolsuper or u.rolbypassrls, array_agg(g.rolname::text) from pg_roles u "
        "join pg_auth_members m on m.member = u.oid join pg_roles g on g.oid = m.roleid "
        "where u.rolname like 'fn\\_%' group by 1, 2"
    )
    connection.close()
    groups = {name: members for name, _, members in rows}

    assert groups["fn_jobs"] == ["imangor_app"]
    assert groups["fn_sweep"] == ["imangor_system"]
    assert all(len(members) == 1 for members in groups.values())
    assert not any(passes for _, passes, _ in rows)


def test_a_killed_runner_leaves_no_process_and_starts_again() -> None:
    with running() as cloud:
        assert cloud.request("GET", "/v1/jobs").status_code == 200
        children = descendants(cloud)
        os.kill(cloud.connection["pid"], signal.SIGKILL)

        again = start(cloud.state.folder)

        gone, alive = psutil.wait_procs(children, timeout=1)
        assert not alive, [p.cmdline() for p in alive]
        assert len(gone) >= 6
        assert again.connection["gateway"] == cloud.gateway
        assert again.api_key == cloud.api_key
        assert again.request("GET", "/v1/jobs").status_code == 200


def test_down_stops_everything_and_the_second_start_is_fast() -> None:
    with running() as cloud:
        children = descendants(cloud)
        assert run_local("down", "--state", str(cloud.state.folder)).returncode == 0
        assert psutil.wait_procs(children, timeout=1)[1] == []
        assert run_local("status", "--state", str(cloud.state.folder)).returncode == 1

        began = time.monotonic()
        start(cloud.state.folder)
        assert time.monotonic() - began < 10


def test_the_framework_serves_a_function_by_itself(cloud: Cloud) -> None:
    port = ports.free()
    environment = {**cloud.environment(), "PATH": os.environ["PATH"], "PORT": str(port)}
    command = [str(Path(sys.executable).with_name("functions-framework")), "--host", "127.0.0.1"]
    command += ["--source", "functions/jobs/main.py", "--target", "jobs"]
    served = subprocess.Popen(command, env=environment)
    try:
        until(lambda: _answers(cloud, f"http://127.0.0.1:{port}"), 20)
    finally:
        served.terminate()
        served.wait(15)


def _answers(cloud: Cloud, base: str) -> bool:
    try:
        answer = requests.get(f"{base}/v1/jobs", headers={"X-Api-Key": cloud.api_key}, timeout=20)
    except requests.ConnectionError:
        return False
    return answer.status_code == 200


def test_the_command_line_translates_beside_the_file(cloud: Cloud, tmp_path: Path) -> None:
    photo = Path(shutil.copy(SAMPLE, tmp_path / "sign.jpg"))
    ways = [[], ["--resumable"]]

    for way in ways:
        done = run_local(
            "translate", str(photo), "--from", "en", "--to", "es", "--state", str(cloud.state.folder), *way
        )
        assert done.returncode == 0, done.stderr
        result = tmp_path / "sign.es.jpg"
        assert done.stdout.split() == [str(result)]
        assert result.read_bytes()[:3] == b"\xff\xd8\xff"
        result.unlink()

    job = cloud.request("GET", "/v1/jobs?limit=1").json()["jobs"][0]["id"]
    shown = cloud.request("GET", f"/_local/source/{job}", key=None)
    assert shown.content == photo.read_bytes()


def test_the_command_line_says_what_is_wrong(cloud: Cloud, tmp_path: Path) -> None:
    text = tmp_path / "words.jpg"
    text.write_text("no picture")
    state = ["--state", str(cloud.state.folder)]

    unknown = run_local("translate", str(SAMPLE), "--to", "zu", *state)
    missing = run_local("translate", str(tmp_path / "none.jpg"), "--to", "es", *state)
    folder = run_local("translate", str(tmp_path), "--to", "es", *state)
    wrong = run_local("translate", str(text), "--to", "es", *state)

    assert {unknown.returncode, missing.returncode, folder.returncode, wrong.returncode} == {1}
    assert "'zu'" in unknown.stderr
    assert "no such file" in missing.stderr
    assert "is a folder" in folder.stderr
    assert "words.jpg" in wrong.stderr
    assert "Traceback" not in unknown.stderr + missing.stderr + wrong.stderr
