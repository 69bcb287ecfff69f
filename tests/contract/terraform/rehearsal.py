"""The whole configuration evaluated by Terraform itself, without a provider and without an account.

Every resource of Google's becomes a `terraform_data`, which is built into Terraform, with the same repetition
and with the arguments as its input; what only Google would know is a placeholder. References go to a local
value of the same name. So a plan expands every `for_each`, every dynamic block and every expression as it
would for Google, and tells what each resource would be asked to be.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tools.hcl import TERRAFORM, modules
from tools.provider_schema import FILE

_SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))["types"]
_REFERENCE = re.compile(r"(?<![\w.\"])(data\.)?(google_\w+)\.(\w+)")
_WHOLE = re.compile(r"\$\{(.*)\}", re.DOTALL)
_ITERATOR = "(?<![\\w.]){name}\\.(key|value)"
_EMAIL = "${%s}@${var.project}.iam.gserviceaccount.com"
_MADE_BY_GOOGLE = {
    "server_ca_certs": lambda body: '[{ cert = "PEM" }]',
    "managed_server_ca": lambda body: '[{ ca_certs = [{ certificates = ["PEM"] }] }]',
    "discovery_endpoints": lambda body: '[{ address = "10.8.0.9", port = 6379 }]',
    "email": lambda body: f'"{_EMAIL % _text(body["account_id"])}"',
    "member": lambda body: f'"serviceAccount:{_EMAIL % _text(body["account_id"])}"',
    "name": lambda body: f'"projects/-/serviceAccounts/{_EMAIL % _text(body["account_id"])}"',
}
_OF = {
    "google_redis_instance": {"server_ca_certs"},
    "google_redis_cluster": {"managed_server_ca", "discovery_endpoints"},
    "google_service_account": {"email", "member", "name"},
}
_REPEATED = {"for_each": "{{ for k, v in {0} : k => v.input }}", "count": "{0}[*].input", "": "{0}.input"}


def write(folder: Path) -> None:
    """Write the rehearsal of the root module, and of the modules that it calls, into `folder`."""
    for source, module in modules().items():
        target = folder / source.relative_to(TERRAFORM)
        target.mkdir(parents=True, exist_ok=True)
        if "resource" in module:
            (target / "main.tf").write_text(_module(source, module), encoding="utf-8")
        else:
            for path in source.glob("*.tf"):
                (target / path.name).write_bytes(path.read_bytes())


def planned(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """From `terraform show -json`: what each resource would be asked to be, by its real address."""
    found: dict[str, dict[str, Any]] = {}
    pending = [plan["planned_values"]["root_module"]]
    while pending:
        module = pending.pop()
        pending += module.get("child_modules", [])
        for resource in module.get("resources", []):
            label, asked = resource["name"], resource["values"]["input"]
            address = resource["address"].replace("terraform_data.", "").replace("__", ".", 1)
            found[address] = {name: value for name, value in asked.items() if value != f"{label}.{name}"}
    return found


def _module(source: Path, module: dict[str, Any]) -> str:
    texts = []
    for name, (body,) in module.get("variable", {}).items():
        default = f"default = {_text(body['default'])}\n" if "default" in body else ""
        texts.append(f'variable "{name}" {{\ntype = {_bare(body["type"])}\n{default}}}\n')
    locals_ = {name: value for part in module.get("locals", []) for name, value in part.items()}
    for kind, named in module.get("ephemeral", {}).items():
        for name, (body,) in named.items():
            locals_[f"{kind}__{name}"] = (
                f'${{{{ for k in {_bare(body["for_each"])} : k => {{ result = "made" }} }}}}'
            )
    for prefix, block in (("", "resource"), ("data__", "data")):
        for kind, named in module.get(block, {}).items():
            for name, (body,) in named.items():
                label = f"{prefix}{kind}__{name}"
                texts.append(_resource(label, body, _SCHEMA[prefix.replace("__", ".") + kind]["attributes"]))
                locals_[label] = "${" + _REPEATED[_repetition(body)].format(f"terraform_data.{label}") + "}"
    texts += [f"locals {{\n{name} = {_text(value)}\n}}\n" for name, value in locals_.items()]
    for name, (body,) in module.get("module", {}).items():
        texts.append(f'module "{name}" {{\n{_body(body)}}}\n')
    for name, (body,) in module.get("output", {}).items():
        texts.append(f'output "{name}" {{\nvalue = {_text(body["value"])}\n}}\n')
    text = "\n".join(texts).replace("ephemeral.random_password.secret", "local.random_password__secret")
    return re.sub(r"(?<![\w.])path\.(root|module)\b", json.dumps(str(source)), text)


def _repetition(body: dict[str, Any]) -> str:
    return next((word for word in ("for_each", "count") if word in body), "")


def _resource(label: str, body: dict[str, Any], attributes: list[str]) -> str:
    meta = {name: body[name] for name in ("for_each", "count", "depends_on") if name in body}
    given = {name: value for name, value in body.items() if name not in {*meta, "lifecycle"}}
    known = {*given, *given.get("dynamic", {})}
    special = _OF.get(label.partition("__")[0], set())
    placeholders = {n: json.dumps(f"{label}.{n}") for n in attributes if n not in known}
    placeholders |= {name: _MADE_BY_GOOGLE[name](given) for name in special}
    unknown = "\n".join(f"{name} = {text}" for name, text in placeholders.items())
    conditions = "".join(
        f"lifecycle {{\nprecondition {{\n{_body(condition)}}}\n}}\n"
        for part in body.get("lifecycle", [])
        for condition in part.get("precondition", [])
    )
    merged = f"merge({{\n{unknown}\n}}, {_object(given)})"
    return f'resource "terraform_data" "{label}" {{\n{_body(meta)}input = {merged}\n{conditions}}}\n'


def _body(body: dict[str, Any]) -> str:
    lines = []
    for name, value in body.items():
        if name == "depends_on":
            lines.append(f"depends_on = [{', '.join(_dependency(each) for each in value)}]\n")
        else:
            lines.append(f"{name} = {json.dumps(value) if name == 'source' else _text(value)}\n")
    return "".join(lines)


def _dependency(reference: str) -> str:
    inner = _bare(reference)
    return _REFERENCE.sub(lambda m: f"terraform_data.{'data__' if m[1] else ''}{m[2]}__{m[3]}", inner)


def _bare(text: str) -> str:
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _object(body: dict[str, Any]) -> str:
    """A block's body as an object; blocks are lists, those that are made by `dynamic` among them."""
    values = {name: [_text(value)] for name, value in body.items() if name != "dynamic"}
    for name, made in body.get("dynamic", {}).items():
        for each in made:
            content = _object(each["content"][0])
            content = re.sub(_ITERATOR.format(name=name), lambda m, n=name: f"{n}__{m[1]}", content)
            loop = f"[for {name}__key, {name}__value in {_text(each['for_each'])} : {content}]"
            values.setdefault(name, []).append(loop)
    joined = {name: v[0] if len(v) == 1 else "concat(" + ", ".join(v) + ")" for name, v in values.items()}
    return "{\n" + "\n".join(f"{name} = {value}" for name, value in joined.items()) + "\n}"


def _text(value: Any) -> str:
    """A value of the parsed files as an expression."""
    if isinstance(value, dict):
        return _object(value) if "dynamic" in value else _map(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    return _localised(_expression(value))


def _map(value: dict[str, Any]) -> str:
    return "{\n" + "\n".join(f"{json.dumps(k)} = {_text(v)}" for k, v in value.items()) + "\n}"


def _expression(value: str) -> str:
    inner = _WHOLE.fullmatch(value)
    return f"({inner[1]})" if inner and _balanced(inner[1]) else _quoted(value)


def _balanced(inner: str) -> bool:
    """Whether the first `${` closes at the very end, so that the string is one expression."""
    depth = 0
    for char in inner:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0:
            return False
    return True


def _quoted(value: str) -> str:
    """A template: what stands between the interpolations is escaped."""
    parts = re.split(r"(\$\{(?:[^{}]|\{[^{}]*\})*\})", value)
    return (
        '"'
        + "".join(p if p.startswith("${") else json.dumps(p, ensure_ascii=False)[1:-1] for p in parts)
        + '"'
    )


def _localised(expression: str) -> str:
    return _REFERENCE.sub(lambda m: f"local.{'data__' if m[1] else ''}{m[2]}__{m[3]}", expression)
