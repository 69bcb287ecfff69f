"""What the pages for operators tell people to type exists: commands, options, paths, variables, names."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from shared.edge.manifest import load_all
from tools.capabilities import capabilities

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "operations" / "runbooks"
PAGES = {
    p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in sorted(ROOT.glob("docs/**/*.md"))
}
PAGES |= {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")}
OPERATING = [name for name in PAGES if name.startswith("docs/operations/") or name == "README.md"]
ALERTS = yaml.safe_load((ROOT / "terraform" / "alerts.yaml").read_text(encoding="utf-8"))
METRICS = yaml.safe_load((ROOT / "terraform" / "metrics.yaml").read_text(encoding="utf-8"))
PATHS = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]
MANIFESTS = load_all(ROOT / "functions")
GCLOUD = yaml.safe_load((Path(__file__).parent / "gcloud.yaml").read_text(encoding="utf-8"))
EVERYWHERE = {"project", "format", "filter", "quiet", "limit", "location", "region"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: str) -> list[str]:
    return [text for language, text in BLOCK.findall(PAGES[page]) if language in ("", "sh")]


def _commands(page: str) -> list[str]:
    """Single commands of the blocks, continuation lines joined, and of inline code."""
    inline = re.findall(r"`((?:gcloud|make|python -m|terraform) [^`]+)`", BLOCK.sub("", PAGES[page]))
    lines = [line for block in _blocks(page) for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    return inline + lines


def _words(text: str) -> list[str]:
    """The words of the command that `text` begins with, up to what ends it in a shell."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|;&)<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words = []
    for word in lexer:
        if set(word) <= set("|;&)<>"):
            break
        words.append(word)
    return words


def _gcloud(page: str) -> list[list[str]]:
    texts = [c[m.start() :] for c in _commands(page) for m in re.finditer(r"(?<![\w.-])gcloud (?=[a-z])", c)]
    return [_words(text.partition("`")[0]) for text in texts]


@pytest.mark.parametrize("page", OPERATING)
def test_blocks_are_shell(page):
    for block in _blocks(page):
        if "gcloud" in block or "terraform" in block:
            done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", OPERATING)
def test_gcloud_commands_and_their_options_are_known(page):
    for words in _gcloud(page):
        verbs = []
        for word in words[1:]:
            if not re.fullmatch(r"[a-z][a-z0-9-]*", word) or " ".join(verbs) in GCLOUD:
                break
            verbs.append(word)
        command = " ".join(verbs)
        assert command in GCLOUD, " ".join(words)
        options = {match[1] for word in words if (match := re.match(r"--([a-z-]+)", word))}
        assert options <= EVERYWHERE | set(GCLOUD[command] or []), " ".join(words)


@pytest.mark.parametrize("page", PAGES)
def test_what_runs_is_ours(page):
    text = PAGES[page]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *_blocks(page)])
    assert set(re.findall(r"(?:^|&& )make ([a-z-]+)", code, re.MULTILINE)) <= targets
    for module in set(re.findall(r"-m ((?:tools|bench|local|tests)[\w.]*)", code)):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
    for module, rest in re.findall(r"-m ((?:tools|bench)[\w.]*)([^\n`]*)", code):
        path = ROOT / module.replace(".", "/")
        files = [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else list(path.glob("*.py"))
        source = "".join(file.read_text(encoding="utf-8") for file in files)
        for option in re.findall(r"--([a-z-]+)", rest.split("#")[0].split("&&")[0]):
            assert f"--{option}" in source or f"def {option}" in source or option in ("expand", "contract"), (
                module,
                option,
            )
    for job in re.findall(r"terraform/operate (\w+)", code):
        assert job in ("migrations", "traffic")


@pytest.mark.parametrize("page", OPERATING)
def test_terraforms_names_are_declared(page):
    text = PAGES[page]
    terraform = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "terraform").glob("*.tf"))
    variables = set(re.findall(r'^variable "(\w+)"', terraform, re.MULTILINE))
    assert set(re.findall(r"-var=['\"]?(\w+)=", text)) <= variables
    outputs = set(re.findall(r'^output "(\w+)"', terraform, re.MULTILINE))
    assert set(re.findall(r"terraform output (?:-\w+ )?([a-z]\w+)", text)) <= outputs
    for kind, name in re.findall(r"(?:-replace='|state rm )(google_\w+)\.(\w+)", text):
        assert f'resource "{kind}" "{name}"' in terraform


@pytest.mark.parametrize("page", OPERATING)
def test_paths_of_the_api_are_described(page):
    shapes = {re.sub(r"\{\w+\}", "*", path): operations for path, operations in PATHS.items()}
    text = PAGES[page]
    calls = [(m, p) for m, p in re.findall(r"`(GET|PUT|POST|PATCH|DELETE) (/v1/[^`\s?]+)", text)]
    calls += [("", p) for p in re.findall(r"\$DOMAIN(/v1/[^\"\s?`]+)", text)]
    for method, path in calls:
        shape = re.sub(r"\{\w+\}|\$\w+|(?<=/adjustments/)[\w-]+", "*", path)
        assert shape in shapes, path
        assert not method or method.lower() in shapes[shape], (method, path)


@pytest.mark.parametrize("page", OPERATING)
def test_names_of_queues_secrets_and_metrics_exist(page):
    text = "\n".join(_commands(page))
    queues = {queue for m in MANIFESTS.values() for queue in m.queues}
    named = re.findall(r"(?:--queue=|queues (?:pause|resume|update) \"?)([a-z][a-z-]+[a-z])(?![\w$-])", text)
    assert set(named) <= queues
    if "process-image-$lane" in text:
        lanes = set(re.findall(r"for lane in ([\w ]+);", text))
        assert {f"process-image-{lane}" for each in lanes for lane in each.split()} <= queues
    secrets = {s.lower().replace("_", "-") for word in capabilities().words.values() for s in word.secrets}
    found = set(re.findall(r"--secret[= ]\"?([a-z-]+)|secrets versions (?:add|list) ([a-z-]+)", text))
    assert {name for pair in found for name in pair if name} <= secrets | {"first-key", "migrations-url"}
    assert set(re.findall(r'metric="(\w+)"', text)) <= set(METRICS["code"])


def test_each_alert_names_a_runbook_that_names_it():
    books = {path.stem: path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md")}
    listed = {book: set(re.findall(r"`(\w+)`", _alerts_line(text))) for book, text in books.items()}
    for name, alert in ALERTS.items():
        assert alert["runbook"] in books, name
        assert name in listed[alert["runbook"]], f"{alert['runbook']}.md does not name {name}"
    for book, names in listed.items():
        assert names <= {*ALERTS, "burn"}, book
    assert "burn" in listed["errors"]


def _alerts_line(text: str) -> str:
    match = re.search(r"\*\*Alerts\*\*:(.*?)\n\n", text, re.DOTALL)
    return match[1] if match else ""


def test_each_runbook_says_how_to_see_do_verify_and_undo_and_is_listed():
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    for path in sorted(RUNBOOKS.glob("*.md")):
        if path.name == "README.md":
            continue
        text = path.read_text(encoding="utf-8")
        assert f"]({path.name})" in index, path.name
        assert re.search(r"\*\*(Alerts|When)\*\*:", text), path.name
        headings = " ".join(re.findall(r"^## (.*)$", text, re.MULTILINE)).lower()
        assert {word for word in ("do", "verify") if word not in headings} == set(), path.name
        assert "undo" in text.lower(), path.name


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_somewhere(page):
    text, folder = PAGES[page], (ROOT / page).parent
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", text):
        assert (folder / target).exists(), target
    written = re.findall(
        r"`((?:shared|functions|terraform|tools|tests|local|bench|docs)/[\w./-]+)`", BLOCK.sub("", text)
    )
    for path in written:
        assert (ROOT / path).exists(), path
