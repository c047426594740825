"""Checks docker-compose.yml and deploy/Dockerfile without Docker: `python -m scripts.check_containers`.

The Compose file against the Compose specification's own schema; and that whatever the two files name exists:
targets, copied paths, modules, files, variables, services, ports, health routes. It cannot tell whether an
image builds. `problems` returns one sentence per finding, none when all is well.
"""

from __future__ import annotations

import ast
import fnmatch
import functools
import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("actions", "backoffice", "connectors", "language", "scripts", "simulator")
#: The only services that may be reached from outside the containers.
PUBLISHED = {"assistant", "simulator"}
#: (service, volume) of what outlives a container. Theo's own programs keep everything in the database.
KEPT = {("postgres", "postgres")}
#: What libraries read or answer, so that our own code need not name it.
LIBRARY_SETTINGS = {"LOG_LEVEL"}
LIBRARY_ROUTES = {"/health"}
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|KEYS")


@dataclass
class Stage:
    """A `FROM … AS name` of the Dockerfile, with what it takes over from the stage it is based on."""

    name: str
    base: str
    user: str = ""
    ports: list[int] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    #: (stage it is copied from or "", sources, target)
    copies: list[tuple[str, list[str], str]] = field(default_factory=list)

    def sources(self) -> list[str]:
        """The paths of the repository that are in this stage."""
        return [source for stage, sources, _ in self.copies if not stage for source in sources]


def read_dockerfile(text: str) -> dict[str, Stage]:
    """The stages by name, in order."""
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            above = stages.get(base)
            current = Stage(name or base, base, *((above.user, [*above.ports]) if above else ()))
            stages[current.name] = current
        elif current is None:
            continue
        elif word == "USER":
            current.user = rest
        elif word == "EXPOSE":
            current.ports = [int(port) for port in rest.split()]
        elif word == "CMD":
            current.command = json.loads(rest)
        elif word in ("COPY", "ADD"):
            parts = shlex.split(rest)
            origin = next((p.removeprefix("--from=") for p in parts if p.startswith("--from=")), "")
            *sources, target = [p for p in parts if not p.startswith("--")]
            current.copies.append((origin, sources, target))
    return stages


@functools.cache
def compose_schema() -> dict[str, Any]:
    """The schema of the Compose specification. check-jsonschema carries it; that package is not imported."""
    found = importlib.util.find_spec("check_jsonschema")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("check-jsonschema is not installed: it carries the Compose schema")
    file = Path(found.submodule_search_locations[0], "builtin_schemas", "vendor", "compose-spec.json")
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def problems(
    root: Path = ROOT, *, compose: str | None = None, dockerfile: str | None = None, example: str | None = None
) -> list[str]:
    """What is wrong. The texts replace those of the repository."""
    compose = (root / "docker-compose.yml").read_text(encoding="utf-8") if compose is None else compose
    dockerfile = (root / "deploy" / "Dockerfile").read_text(encoding="utf-8") if dockerfile is None else dockerfile
    example = (root / ".env.example").read_text(encoding="utf-8") if example is None else example
    described = yaml.safe_load(compose)
    broken = [
        f"{e.json_path}: {e.message}" for e in jsonschema.Draft7Validator(compose_schema()).iter_errors(described)
    ]
    if broken:
        return broken  # what follows relies on the shape
    stages = read_dockerfile(dockerfile)
    return [
        *_versions(root, dockerfile),
        *_stages(root, stages),
        *_services(root, described, stages),
        *_variables(compose, described, example),
    ]


# -- the Dockerfile ---------------------------------------------------------------------------------------


def _versions(root: Path, dockerfile: str) -> Iterator[str]:
    python = (root / ".python-version").read_text(encoding="utf-8").strip()
    if f"FROM python:{python}-" not in dockerfile:
        yield f"Dockerfile: its Python is not {python}, as .python-version says"
    uv = re.search(r"(?m)^UV_VERSION := (.+)$", (root / "Makefile").read_text(encoding="utf-8"))
    if uv and f"uv=={uv.group(1)}" not in dockerfile:
        yield f"Dockerfile: its uv is not {uv.group(1)}, as the Makefile says"


def _stages(root: Path, stages: dict[str, Stage]) -> Iterator[str]:
    ignore = [line.strip() for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()]
    for stage in stages.values():
        for origin, sources, _ in stage.copies:
            if origin and origin not in stages:
                yield f"Dockerfile, {stage.name}: copies from {origin}, which is no stage"
            for source in sources if not origin else ():
                if not (root / source).exists():
                    yield f"Dockerfile, {stage.name}: copies {source}, which does not exist"
                elif _ignored(source, ignore):
                    yield f"Dockerfile, {stage.name}: copies {source}, which .dockerignore keeps out"
        if stage.command and not re.fullmatch("[1-9][0-9]*", stage.user):
            yield f"Dockerfile, {stage.name}: its user must be a number other than 0 (Kubernetes checks it so)"
        if any("." in sources for _, sources, _ in stage.copies):
            yield f"Dockerfile, {stage.name}: copies everything; what is not named must not be in an image"
        yield from _imports(root, stage)
        yield from _command(root, stage)


def _ignored(path: str, patterns: list[str]) -> bool:
    """The last pattern that fits decides, as in Docker; a folder's pattern goes for what is in it."""
    ignored = False
    parents = ["/".join(path.split("/")[: n + 1]) for n in range(path.count("/") + 1)]
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        if bare and not bare.startswith("#") and any(fnmatch.fnmatch(part, bare) for part in parents):
            ignored = not pattern.startswith("!")
    return ignored


def _files(root: Path, stage: Stage) -> set[str]:
    """The repository's files in a stage."""
    found: set[str] = set()
    for source in stage.sources():
        path = root / source
        inside = path.rglob("*") if path.is_dir() else [path]
        names = [file.relative_to(root) for file in inside if file.is_file() and "__pycache__" not in file.parts]
        # What begins with a dot is what tools keep (.venv, .tools): not ours, and kept out by .dockerignore.
        found |= {str(name) for name in names if not name.parts[0].startswith(".")}
    return found


def _text(root: Path, stage: Stage, kinds: tuple[str, ...]) -> str:
    return "".join((root / name).read_text(encoding="utf-8") for name in _files(root, stage) if name.endswith(kinds))


@functools.cache
def _loaded(file: Path) -> frozenset[str]:
    """The modules that a Python file loads when it is loaded; what a function imports, it may never need."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)


def _imports(root: Path, stage: Stage) -> Iterator[str]:
    """Modules of ours that the stage's files load, or name in YAML, and that are not in it."""
    files = _files(root, stage)
    wanted: dict[str, str] = {}
    for name in sorted(files):
        if name.endswith(".py"):
            wanted.update(dict.fromkeys(_loaded(root / name), name))
        elif name.endswith(".yml") and "/" not in name:
            text = (root / name).read_text(encoding="utf-8")
            named = re.findall(rf"(?m)(?:^|:\s*|^\s*-\s+name:\s*)((?:{'|'.join(PACKAGES)})(?:\.\w+)+)", text)
            wanted.update({module.rpartition(".")[0]: name for module in named})
    for module, name in wanted.items():
        path = module.replace(".", "/")
        if module.split(".")[0] in PACKAGES and not files & {f"{path}.py", f"{path}/__init__.py"}:
            yield f"Dockerfile, {stage.name}: {name} needs {module}, which is not copied"


def _command(root: Path, stage: Stage) -> Iterator[str]:
    command, files = stage.command, _files(root, stage)
    if "-m" in command:
        module = command[command.index("-m") + 1]
        ours = {f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__main__.py"}
        if not (files & ours if module.split(".")[0] in PACKAGES else importlib.util.find_spec(module)):
            yield f"Dockerfile, {stage.name}: starts the module {module}, which is not there"
    there = files | {target for origin, _, target in stage.copies if origin}
    for word in command:
        if re.search(r"\.(yml|tar\.gz)$", word) and word not in there:
            yield f"Dockerfile, {stage.name}: its command names {word}, which is not copied"


# -- the Compose file -------------------------------------------------------------------------------------


def _services(root: Path, described: dict[str, Any], stages: dict[str, Stage]) -> Iterator[str]:
    services = described["services"]
    for name, service in services.items():
        stage = None
        if "build" in service:
            file, target = service["build"].get("dockerfile", "Dockerfile"), service["build"].get("target", "")
            stage = stages.get(target)
            if not (root / file).exists():
                yield f"{name}: its Dockerfile {file} does not exist"
            if stage is None:
                yield f"{name}: its target {target!r} is not in the Dockerfile"
                continue
        yield from _safety(name, service, stage)
        yield from _reach(name, service, services, stage)
        if stage is not None:
            yield from _settings(root, name, service, stage)
            yield from _health(root, name, service, stage)
        for kind in ("networks", "volumes"):
            for used in service.get(kind, ()):
                part = used.split(":")[0] if isinstance(used, str) else ""
                if part and not part.startswith((".", "/")) and part not in (described.get(kind) or {}):
                    yield f"{name}: {kind} has no {part}"


def _safety(name: str, service: dict[str, Any], stage: Stage | None) -> Iterator[str]:
    user = str(service.get("user") or (stage.user if stage else ""))
    if user.split(":")[0] in ("", "0", "root"):
        yield f"{name}: runs as root"
    if service.get("read_only") is not True:
        yield f"{name}: its file system can be written"
    elif "/tmp" not in [str(place).split(":")[0] for place in service.get("tmpfs", ())]:
        yield f"{name}: its file system cannot be written, and it has no /tmp in memory (tmpfs)"
    if service.get("privileged") or service.get("cap_add") or "ALL" not in service.get("cap_drop", ()):
        yield f"{name}: keeps rights that it does not need (cap_drop: [ALL])"
    if "no-new-privileges:true" not in service.get("security_opt", ()):
        yield f"{name}: a program in it could gain rights (security_opt: no-new-privileges:true)"
    for shared in ("network_mode", "pid", "ipc", "uts", "userns_mode", "devices"):
        if shared in service:
            yield f"{name}: shares {shared} with the machine"
    for volume in service.get("volumes", ()):
        source, _, rest = str(volume).partition(":") if isinstance(volume, str) else (str(volume.get("source")), "", "")
        if source.startswith((".", "/", "~")) and not rest.endswith(":ro"):
            yield f"{name}: may write to {source} of the machine"
        elif (name, source) not in KEPT:
            yield f"{name}: keeps {source}; only {', '.join(sorted(s for s, _ in KEPT))} keeps anything"
    if "healthcheck" not in service:
        yield f"{name}: has no health check"
    if name == "simulator" and service.get("profiles") != ["dev"]:
        yield "simulator: starts without the profile dev"


def _reach(name: str, service: dict[str, Any], services: dict[str, Any], stage: Stage | None) -> Iterator[str]:
    """Ports, dependencies and the addresses of other services."""
    for port in service.get("ports", ()):
        if name not in PUBLISHED:
            yield f"{name}: publishes {port}; nobody outside needs it"
        elif not str(port).startswith("127.0.0.1:"):
            yield f"{name}: publishes {port} to the whole network; a proxy with TLS belongs before it"
        if stage and int(str(port).rpartition(":")[2]) not in stage.ports:
            yield f"{name}: publishes {port}, and its image listens on {stage.ports}"
    for other, how in (service.get("depends_on") or {}).items():
        if other not in services:
            yield f"{name}: waits for {other}, which is no service"
        elif how.get("condition") == "service_healthy" and "healthcheck" not in services[other]:
            yield f"{name}: waits for the health of {other}, which has no health check"
    for key, value in (service.get("environment") or {}).items():
        address = re.match(
            r"(?:http|redis|postgresql)://(?:[^@/]*@)?([a-z]+):\d+", re.sub(r"\$\{[^}]*\}", "", str(value))
        )
        if address is None:
            continue
        other = address.group(1)
        if other not in services:
            yield f"{name}: {key} names {other}, which is no service"
        elif not set(service.get("networks", ())) & set(services[other].get("networks", ())):
            yield f"{name}: {key} names {other}, and the two share no network"


def _settings(root: Path, name: str, service: dict[str, Any], stage: Stage) -> Iterator[str]:
    """Variables that nothing in the image reads."""
    code = _text(root, stage, (".py", ".yml"))
    for key in service.get("environment") or {}:
        if key not in LIBRARY_SETTINGS and not re.search(rf"\b{key}\b", code):
            yield f"{name}: sets {key}, which nothing in its image reads"


def _health(root: Path, name: str, service: dict[str, Any], stage: Stage) -> Iterator[str]:
    asked = " ".join(map(str, service.get("healthcheck", {}).get("test", ())))
    for port, route in re.findall(r"http://127\.0\.0\.1:(\d+)(/\w*)", asked):
        if int(port) not in stage.ports:
            yield f"{name}: its health check asks port {port}, and its image listens on {stage.ports}"
        code = _text(root, stage, (".py",))
        if route not in LIBRARY_ROUTES and f'"{route}"' not in code:
            yield f"{name}: its health check asks {route}, which nothing answers"


def _variables(compose: str, described: dict[str, Any], example: str) -> Iterator[str]:
    """The variables of the Compose file and those of .env.example are the same, and no secret is in either."""
    compose = re.sub(r"(?m)^\s*#.*$", "", compose)
    used = set(re.findall(r"\$\{(\w+)", compose))
    required = set(re.findall(r"\$\{(\w+):\?", compose))
    lines = dict(re.findall(r"(?m)^(#?\w+)=(.*)$", example))
    named = {name.removeprefix("#") for name in lines}
    yield from (f".env.example lacks {name}, which docker-compose.yml uses" for name in sorted(used - named))
    yield from (f".env.example has {name}, which docker-compose.yml does not use" for name in sorted(named - used))
    yield from (f".env.example: {name} is required, and a comment there" for name in sorted(required - set(lines)))
    for name, value in lines.items():
        if SECRET.search(name) and value:
            yield f".env.example: {name} has a value; a secret must not be in the repository"
    for service, body in described["services"].items():
        for name, value in (body.get("environment") or {}).items():
            if SECRET.search(name) and not re.fullmatch(r"\$\{\w+:\?[^}]*\}", str(value)):
                yield f"{service}: {name} must come from the environment and be required"


def main() -> int:
    found = problems()
    for problem in found:
        print(f"✗ {problem}")
    ending = f"{len(found)} problems" if found else "consistent (not built)"
    print(f"docker-compose.yml and deploy/Dockerfile: {ending}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
