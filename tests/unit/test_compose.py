"""The containers, as far as they can be checked without Docker; and that each check can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.check_containers import ROOT, compose_schema, problems, read_dockerfile

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")


def test_the_two_files_are_consistent() -> None:
    assert problems() == []


def test_the_schema_is_the_compose_specification() -> None:
    schema = compose_schema()
    assert schema["title"] == "Compose Specification"
    assert {"services", "networks", "volumes", "secrets"} <= set(schema["properties"])


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("  read_only: true", "  readonly: true", "'readonly' does not match"),
        ("interval: 15s", "interval: [15]", "interval"),
        ("restart: unless-stopped", "restart: [1]", "restart"),
        ("  read_only: true", "  read_only: false", "actions: its file system can be written"),
        ("cap_drop: [ALL]", "cap_drop: [NET_RAW]", "postgres: keeps rights that it does not need (cap_drop: [ALL])"),
        ("    user: redis\n", "", "redis: runs as root"),
        ("    - /tmp\n  cap_drop", "    - /var/tmp\n  cap_drop", "assistant: its file system cannot be written, and it has no /tmp"),
        ("  cap_drop: [ALL]", "  cap_drop: [ALL]\n  cap_add: [NET_ADMIN]", "actions: keeps rights that it does not need"),
        ('["no-new-privileges:true"]', '["no-new-privileges:false"]', "simulator: a program in it could gain rights"),
        ("  init: true", "  init: true\n  pid: host", "postgres: shares pid with the machine"),
        ("  init: true", "  init: true\n  network_mode: host", "actions: shares network_mode with the machine"),
        ("- postgres:/var", "- ./dados:/var", "postgres: may write to ./dados of the machine"),
        ("    user: redis\n", '    user: redis\n    volumes: ["postgres:/data"]\n', "redis: keeps postgres; only postgres"),
        ("target: actions}", "target: action}", "actions: its target 'action' is not in the Dockerfile"),
        (
            "dockerfile: deploy/Dockerfile",
            "dockerfile: Dockerfile",
            "actions: its Dockerfile Dockerfile does not exist",
        ),
        (
            "    networks: [records]\n    stop_grace",
            '    ports: ["127.0.0.1:5432:5432"]\n    networks: [records]\n    stop_grace',
            "postgres: publishes 127.0.0.1:5432:5432; nobody outside needs it",
        ),
        (
            "127.0.0.1:${THEO_PORT:-5005}:5005",
            "${THEO_PORT:-5005}:5005",
            "assistant: publishes ${THEO_PORT:-5005}:5005 to the whole network; a proxy with TLS belongs before it",
        ),
        (
            ":-5005}:5005",
            ":-5005}:5006",
            "assistant: publishes 127.0.0.1:${THEO_PORT:-5005}:5006, and its image listens on [5005]",
        ),
        ("    profiles: [dev]\n", "", "simulator: starts without the profile dev"),
        ("redis://redis:", "redis://cache:", "assistant: REDIS_URL names cache, which is no service"),
        (
            "    networks: [outside, records]\n    depends_on:\n      postgres: {condition: service_healthy}\n    stop",
            "    networks: [outside]\n    depends_on:\n      postgres: {condition: service_healthy}\n    stop",
            "actions: DATABASE_URL names postgres, and the two share no network",
        ),
        ("      THEO_PACE:", "      THEO_PACES:", "assistant: sets THEO_PACES, which nothing in its image reads"),
        ("5005/readyz", "5005/ready", "assistant: its health check asks /ready, which nothing answers"),
        (
            "127.0.0.1:5055/health",
            "127.0.0.1:5056/health",
            "actions: its health check asks port 5056, and its image listens on [5055]",
        ),
        ("      - postgres:/var", "      - records:/var", "postgres: volumes has no records"),
        ("  outside: {}\n", "", "assistant: networks has no outside"),
        (
            "ZAPI_TOKEN: ${ZAPI_TOKEN:?see .env.example}",
            "ZAPI_TOKEN: abc",
            "assistant: ZAPI_TOKEN must come from the environment and be required",
        ),
        ("${ERP:-sql}", "${ERP_NAME:-sql}", ".env.example lacks ERP_NAME, which docker-compose.yml uses"),
        ("${ZAPI_MENUS:-text}", "text", ".env.example has ZAPI_MENUS, which docker-compose.yml does not use"),
    ],
)
def test_a_broken_compose_file_is_found(old: str, new: str, finding: str) -> None:
    assert old in COMPOSE, "the file changed: this canary breaks nothing any more"
    found = problems(compose=COMPOSE.replace(old, new))
    assert any(finding in problem for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("USER 10001", "USER root", "assistant: runs as root"),
        ("USER 10001", "USER theo", "Dockerfile, actions: its user must be a number other than 0"),
        ("COPY actions actions", "COPY . .", "Dockerfile, actions: copies everything"),
        ("COPY actions actions", "ADD . /app", "Dockerfile, actions: copies everything"),
        ("FROM python:3.10-", "FROM python:3.11-", "Dockerfile: its Python is not 3.10, as .python-version says"),
        ("uv==0", "uv==1", "Dockerfile: its uv is not"),
        ("COPY data data", "COPY date data", "Dockerfile, model: copies date, which does not exist"),
        ("COPY data data", "COPY docs data", "Dockerfile, model: copies docs, which .dockerignore keeps out"),
        ("COPY backoffice backoffice\n", "", "needs backoffice.erp, which is not copied"),
        ("--from=model", "--from=modell", "Dockerfile, assistant: copies from modell, which is no stage"),
        ('"-m", "actions"', '"-m", "action"', "Dockerfile, actions: starts the module action, which is not there"),
        ('"endpoints.yml"', '"endpoint.yml"', "Dockerfile, assistant: its command names endpoint.yml"),
        ("COPY connectors connectors\n", "", "Dockerfile, assistant: credentials.yml needs connectors.zapi.channel"),
    ],
)
def test_a_broken_dockerfile_is_found(old: str, new: str, finding: str) -> None:
    assert old in DOCKERFILE, "the file changed: this canary breaks nothing any more"
    found = problems(dockerfile=DOCKERFILE.replace(old, new))
    assert any(finding in problem for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("THEO_SECRET=\n", "THEO_SECRET=abc\n", ".env.example: THEO_SECRET has a value"),
        ("THEO_SECRET=\n", "#THEO_SECRET=\n", ".env.example: THEO_SECRET is required, and a comment there"),
        ("ZAPI_TOKEN=\n", "", ".env.example lacks ZAPI_TOKEN, which docker-compose.yml uses"),
    ],
)
def test_a_broken_example_of_settings_is_found(old: str, new: str, finding: str) -> None:
    assert old in EXAMPLE, "the file changed: this canary breaks nothing any more"
    assert any(finding in problem for problem in problems(example=EXAMPLE.replace(old, new)))


@pytest.mark.parametrize(
    ("target", "modules"),
    [
        ("assistant", ["connectors.zapi.channel", "connectors.tracker_store", "language.responses"]),
        ("actions", ["actions.__main__"]),
        ("simulator", ["simulator.__main__"]),
    ],
)
def test_what_an_image_copies_can_be_imported_alone(target: str, modules: list[str], tmp_path: Path) -> None:
    for source in read_dockerfile(DOCKERFILE)[target].sources():
        (tmp_path / source).symlink_to(ROOT / source)
    code = "import sys, importlib\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-c", code, *modules],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
