"""Alarms and dashboard: they speak of figures that exist, ring when they should, and say what to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from app.ops import figures, metrics
from app.ops.queues import QueueLength

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTS = (PROMETHEUS / "alerts.yml").read_text()
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "pamoja.json").read_text())
UNITS = {"short", "s", "reqps", "bool_yes_no", "currency:KES"}
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: apt-get install prometheus)"
)


def exported(app: Flask) -> set[str]:
    """The name of every sample that /metrics can hold."""
    told = metrics.Told(
        app.extensions["settings"], figures.Figures(failed=["x"]), [QueueLength("payments", 1, None, 0)]
    )
    families = [*told.collect(), *metrics.counted.collect()]
    names = {family.name for family in families} | {sample.name for family in families for sample in family.samples}
    counters = {family.name + "_total" for family in families if family.type == "counter"}
    histograms = {
        family.name + end for family in families if family.type == "histogram" for end in ("_bucket", "_count")
    }
    return names | counters | histograms


def named(text: str) -> set[str]:
    return set(re.findall(r"\bpamoja_\w+", text))


def test_alarms_speak_of_figures_that_exist(app: Flask) -> None:
    assert named(ALERTS) - exported(app) == set()


def test_the_dashboard_speaks_of_figures_that_exist(app: Flask) -> None:
    expressions = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])

    assert named(expressions) - exported(app) == set()


def test_every_alarm_says_what_to_do() -> None:
    headings = re.findall(r"^#{2,4} (.+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"runbook: docs/operations\.md#(\S+)", ALERTS)

    assert len(links) == ALERTS.count("- alert:")
    assert set(links) - anchors == set()


def test_every_alarm_is_tested_ringing_and_silent() -> None:
    tests = (PROMETHEUS / "alerts_test.yml").read_text()

    for alarm in re.findall(r"- alert: (\w+)", ALERTS):
        assert f"name: {alarm} rings" in tests
        assert f"name: {alarm} is silent" in tests


@needs_promtool
def test_alarms_ring_when_they_should_and_not_before() -> None:
    ran = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_promtool
def test_prometheus_can_read_what_we_give_it() -> None:
    ran = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", "prometheus.yml"],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    assert DASHBOARD["schemaVersion"] >= 36
    assert (DASHBOARD["title"], DASHBOARD["uid"]) == ("Pamoja", "pamoja")
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows_in_a_unit(panel: dict) -> None:
    place = panel["gridPos"]

    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert place["x"] + place["w"] <= 24


def test_no_panel_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
