"""Ask whether anything in requirements.lock has a known vulnerability, and tell honestly when nobody answers.

pip-audit passes over a package that its service does not know, and ends as if it had found nothing. Where a service
stands in for the package index, it knows no package at all.

Exit codes: 0 every package was looked up and none is vulnerable; 1 one is; 3 nobody answered, or not for every package.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
SERVICES = ("pypi", "osv")
WITHIN_S = 300


def main() -> int:
    """Ask one service after another until one answers for every package."""
    best: tuple[str, list[dict[str, Any]]] | None = None
    for service in SERVICES:
        answer = ask(service)
        if answer is None:
            print(f"audit: the service {service} does not answer", file=sys.stderr)
            continue
        if best is None or len(skipped(answer)) < len(skipped(best[1])):
            best = (service, answer)
        if not skipped(answer):
            break
    if best is None:
        print("audit: NOT DONE: no vulnerability service answers here; run it where one does", file=sys.stderr)
        return 3
    service, answer = best
    return tell(service, answer)


def ask(service: str) -> list[dict[str, Any]] | None:
    """What the service says of each package; None when it says nothing."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--disable-pip", "--no-deps", "-s", service]
    command += ["--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)  # noqa: S603 - ours
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return packages


def skipped(packages: list[dict[str, Any]]) -> list[str]:
    return [package["name"] for package in packages if "skip_reason" in package]


def tell(service: str, packages: list[dict[str, Any]]) -> int:
    """Say what was found; returns the exit code."""
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        for found in package["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"audit: {package['name']} {package['version']}: {found['id']}, mended in {mended}", file=sys.stderr)
    if bad:
        return 1
    left = skipped(packages)
    if left:
        print(
            f"audit: NOT DONE: {service} knew nothing of {len(left)} of {len(packages)} packages ({', '.join(left[:5])}"
            "…); run it where a vulnerability service can be reached",
            file=sys.stderr,
        )
        return 3
    print(f"audit: {len(packages)} packages looked up at {service}, none has a known vulnerability")
    return 0


if __name__ == "__main__":
    sys.exit(main())
