"""The page about scaling says what the program computes, the program computes what Erlang says, and
the database has room for every instance that may run.
"""

from __future__ import annotations

import re
import shutil

import pytest

from bench import simulate as command
from bench.scaling import model
from bench.scaling.facts import RESERVED, ROOT, Facts
from bench.scaling.queueing import Lane, Work, mean_wait, probability_of_waiting, simulate

FACTS = Facts()


@pytest.mark.parametrize("environment", FACTS.environments.values(), ids=str)
def test_the_database_has_room_for_every_instance_that_may_run(environment):
    assert sum(FACTS.connections.values()) + RESERVED <= environment.number("database_connections")


@pytest.mark.parametrize("environment", FACTS.environments.values(), ids=str)
def test_connections_leave_the_database_half_of_its_memory(environment):
    held = environment.number("database_connections") * FACTS.work("connection_mib")
    assert held <= environment.memory_mib / 2


def test_primary_and_replica_take_what_the_environment_says():
    text = (ROOT / "terraform" / "data.tf").read_text(encoding="utf-8")
    instances = text.split('resource "google_sql_database_instance"')[1:]
    assert len(instances) == 2
    for instance in instances:
        assert 'name  = "max_connections"\n      value = tostring(var.database_connections)' in instance


def test_the_page_has_the_tables_that_the_program_makes():
    assert command.page(FACTS) == command.PAGE.read_text(encoding="utf-8"), "python -m bench.simulate --write"


def test_a_change_of_a_manifest_changes_what_is_computed(tmp_path):
    for part in ("functions", "terraform"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "functions" / "jobs" / "function.yaml"
    path.write_text(path.read_text().replace("max_instances: 10", "max_instances: 100"))
    env = tmp_path / "terraform" / "envs" / "prod.tfvars"
    env.write_text(env.read_text().replace("db-custom-4-15360", "db-custom-8-30720"))
    facts = Facts(tmp_path)
    assert facts.connections["jobs"] == 10 * FACTS.connections["jobs"]
    by_name = {limit.name: limit for limit in model.limits(facts, facts.environments["prod"])}
    assert by_name["CPU of the database"].there_is == 8


@pytest.mark.parametrize(("places", "offered"), [(1, 0.5), (4, 3.0), (20, 17.0)])
def test_the_simulation_waits_as_erlang_says(places, offered):
    """One task a picture, and no pace that matters: M/M/c."""
    seconds = 2.0
    work = Work(pictures=offered / seconds, targets=0, first=seconds, each=seconds)
    found = simulate(Lane(places, 1e9), work, pictures=200_000, seed=7)
    assert found.mean_wait == pytest.approx(mean_wait(places, offered, seconds), rel=0.1)
    assert found.taken == pytest.approx(offered / places, rel=0.03)


def test_erlang_for_one_place_is_its_load():
    assert probability_of_waiting(1, 0.3) == pytest.approx(0.3)


def test_a_pace_below_what_comes_is_what_is_waited_for():
    work = Work(pictures=2.0, targets=0, first=0.001, each=0.001)
    assert simulate(Lane(100, 2.2), work, pictures=5000).mean_wait > 1
    assert simulate(Lane(100, 1e9), work, pictures=5000).mean_wait < 0.01


def test_every_limit_has_what_takes_its_place_and_every_number_its_source():
    names = {limit.name for limit in model.limits(FACTS, FACTS.environments["prod"])}
    assert names == set(FACTS.inputs["then"])
    assert all(entry["from"] for entry in FACTS.inputs["work"].values() if "value" in entry)
    for group in ("prices", "quotas"):
        for name, entry in FACTS.inputs[group].items():
            assert entry["source"].startswith("https://cloud.google.com/"), name
            assert entry["sure"] in ("page", "told", "unread"), name


@pytest.mark.parametrize("asked", model.asked_of_providers(FACTS), ids=lambda asked: asked.of)
def test_all_places_together_stay_below_the_providers_quotas(asked):
    assert asked.by_places <= asked.quota


def test_prices_are_those_that_the_alerts_on_cost_reckon_with():
    text = (ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8")
    default = text.split('variable "provider_prices"')[1].split("default")[1].split("\n\n")[0].split("}")[0]
    prices = {name: float(value) for name, value in re.findall(r"(\w+) += ([\d.e-]+)", default)}
    assert prices == {
        "picture": FACTS.price("vision_page"),
        "character": FACTS.price("translation_character"),
    }
