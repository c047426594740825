"""Asks the public services of advisories about every locked package: `make audit`.

pip-audit runs apart from Theo's own environment, on what `uv.lock` names. Exit code: 0 nothing known, 1 something is
known, 2 nobody could be asked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts import run

UV = run.ROOT / ".tools" / "uv" / "bin" / "uv"
#: Seconds for both services together to answer.
LIMIT = 300
UNREACHABLE = 2
EXPORT = ("export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--quiet", "--format", "requirements-txt")
AUDIT = ("tool", "run", "pip-audit", "--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json")


def tell(report: dict[str, Any]) -> int:
    """Prints what a report says. A service that knows no package at all was not reached."""
    packages = report.get("dependencies", [])
    asked = [package for package in packages if "vulns" in package]
    if len(asked) * 2 <= len(packages):
        print("O serviço de avisos não respondeu: nada foi conferido. Tente de uma máquina com acesso ao pypi.org ou ao osv.dev.")
        return UNREACHABLE
    found = [package for package in asked if package["vulns"]]
    for package in found:
        for advisory in package["vulns"]:
            names = ", ".join([advisory["id"], *advisory.get("aliases", [])])
            fixed = ", ".join(advisory.get("fix_versions", [])) or "nenhuma ainda"
            print(f"{package['name']} {package['version']}: {names}; corrigido em: {fixed}")
    print(f"{len(asked)} pacotes conferidos, {len(found)} com avisos. O que já foi julgado está em docs/seguranca.md.")
    return 1 if found else 0


def main() -> int:
    uv = str(UV) if UV.exists() else shutil.which("uv")
    if uv is None:
        print("O uv não foi encontrado: rode `make setup` antes.")
        return UNREACHABLE
    with tempfile.TemporaryDirectory() as folder:
        locked = Path(folder, "requirements.txt")
        subprocess.run([uv, *EXPORT, "--output-file", str(locked)], cwd=run.ROOT, check=True, stdout=subprocess.DEVNULL)
        for service in ("osv", "pypi"):
            command = [uv, *AUDIT, "--vulnerability-service", service, "--timeout", "10", "-r", str(locked)]
            try:
                done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=LIMIT / 2)
                report = json.loads(done.stdout)
            except (subprocess.TimeoutExpired, ValueError):
                continue  # not reached, or it wrote no report: the next one is asked
            code = tell(report)
            if code != UNREACHABLE:
                return code
    return tell({})


if __name__ == "__main__":
    sys.exit(main())
