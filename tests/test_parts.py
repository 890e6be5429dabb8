"""The list of parts that goes with a release names every part, its version and what it must hash to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"


def test_the_list_of_parts_is_the_lock_with_its_hashes(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    program = Path(sys.executable).with_name("cyclonedx-py")
    subprocess.run([program, "requirements", LOCK, "--output-reproducible", "--of", "JSON", "-o", file], check=True)

    parts = json.loads(file.read_text())["components"]

    named = {(re.sub(r"[-_.]+", "-", part["name"]).lower(), part["version"]) for part in parts}
    assert named == set(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==([^\s;]+)", LOCK.read_text(), flags=re.MULTILINE))
    assert all(any(one.get("hashes") for one in part["externalReferences"]) for part in parts)


def test_every_part_is_pinned_and_hashed() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = re.sub(r"\\\n", " ", (ROOT / name).read_text()).splitlines()
        parts = [line for line in lines if re.match(r"[a-z]", line)]
        assert parts
        assert all("==" in part and "--hash=sha256:" in part for part in parts), name
