"""Reports of runs, comparisons and simulations, opened in a real browser: offline, self-contained, readable, and never code."""
import base64
import hashlib
import json
import re
import signal
import subprocess
import time

import browser
import numpy as np
import orders
import pandas as pd
import pytest
from program import PROGRAM, SUCCESS, WORK_FAILED, WRONG_CALL, environment, martlet

LARGEST = 3 << 20  # bytes of a report

EVALUATED = orders.PROJECT + """
evaluation:
  slices: [colour]
  fairness: {groups: [colour]}
"""
LOOP = EVALUATED + """
monitoring:
  truth: {source: orders, delay: 6h}
  windows: [1d]
  alerts:
    - {name: gain-falls, when: "kpi.gain < reference.gain - 0.2", for: 2, clear: 2, window: 1d, then: [retrain]}
  retrain: {every: 5d, cooldown: 2d, budget: {per_month: 8}, holdout: 3d, window: 30d}
"""


def report(folder, *arguments, expect=SUCCESS, verb=("runs", "report")):
    file = folder / f"{'-'.join(verb)}-{len(list(folder.glob('*.html')))}.html"
    martlet(*verb, *arguments, "--output", file, cwd=folder, expect=expect)
    assert file.stat().st_size < LARGEST
    return file


def plots_of(file):
    """The views that the page draws."""
    block = re.search(r'<script type="application/json" id="plots">(.*?)</script>', file.read_text(), re.S)
    return json.loads(block.group(1)) if block else []


def values_of(spec):
    """All data of a view, whatever the layer."""
    found = list(spec.get("data", {}).get("values", []))
    for layer in spec.get("layer", []):
        found += layer.get("data", {}).get("values", [])
    return found


def area(points):
    return sum((b["x"] - a["x"]) * (a["y"] + b["y"]) / 2 for a, b in zip(points, points[1:]))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = orders.make(tmp_path_factory.mktemp("shop"), project=EVALUATED)
    martlet("run", "--json", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def page(shop):
    return report(shop)


def test_a_run_report_opens_offline_without_a_complaint(shop, page, tmp_path):
    light, dark, narrow, still = browser.look(
        tmp_path, {"file": page, "point": 1}, {"file": page, "scheme": "dark"}, {"file": page, "width": 400}, {"file": page, "script": False})
    for seen in (light, dark, narrow):
        browser.check(seen, plots=8)
    assert light["plots"][0]["colour"] != dark["plots"][0]["colour"], "plots follow the reader's colour scheme"
    titles = [plot["title"] for plot in light["plots"]]
    assert light["tooltip"]["visible"] and "false positive rate" in light["tooltip"]["text"]
    for title in ("ROC curve", "Precision and recall", "Calibration", "Scores", "gain by threshold", "Importance", "gain by slice",
                  "Population stability index"):
        assert title in titles
    for heading in ("Result", "The contract", "Gates", "Fairness", "Data", "Leakage", "Lineage", "Steps", "How to have it again"):
        assert heading in light["headings"]
    # Without script everything but the drawings is there.
    for text in ("Will this order be good?", "Machine learning is required", "better_than_baseline", "in the table below"):
        assert text in still["text"]


def test_the_figures_of_the_report_are_those_of_the_run(shop, page):
    run = martlet("status", "--json", cwd=shop).json
    text = page.read_text()
    kpi = next(kpi for kpi in run["kpis"] if kpi["name"] == "gain")
    assert f"{kpi['value']:.4g}" in text
    dataset = martlet("data", "show", "orders", "--json", cwd=shop).json
    assert dataset["digest"] in text and run["run"] in text
    roc = next(spec for spec in plots_of(page) if "false positive rate" in json.dumps(spec))
    line = [v for v in values_of(roc) if str(v.get("series", "")).startswith("model") and v["y"] is not None]
    line = line[:len(line) // 2]  # the line's layer; what can be pointed at has the same points again
    assert len(line) <= 400
    assert area(line) == pytest.approx(run["metrics"]["auc"]["value"], abs=0.002)


def test_the_policy_allows_exactly_what_is_in_the_page(page):
    text = page.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    script = re.search(r"<script>(.*?)</script>", text, re.S).group(1)
    for name, content in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert len(re.findall(r"<script", text)) == 2


def test_the_same_run_gives_the_same_bytes(shop, page):
    assert report(shop).read_bytes() == page.read_bytes()


def test_a_report_needs_nothing_but_what_the_run_recorded(shop, page, tmp_path):
    """No recomputation: the source file is gone, the report is the same."""
    source = shop / "orders.csv"
    source.rename(tmp_path / "elsewhere.csv")
    try:
        assert report(shop).read_bytes() == page.read_bytes()
    finally:
        (tmp_path / "elsewhere.csv").rename(source)


def test_a_run_without_recorded_curves_says_so(tmp_path):
    """Curves live in a blob; a run of an older program has none."""
    folder = orders.make(tmp_path / "shop", project=EVALUATED, count=900)
    martlet("run", "--json", cwd=folder, expect=None)
    for blob in (folder / ".martlet" / "blobs").rglob("*"):
        if blob.is_file() and b'"precision_recall"' in blob.read_bytes()[:2_000_000]:
            blob.unlink()
    page = report(folder)
    assert "recorded no curves" in page.read_text()
    browser.check(browser.look(tmp_path, {"file": page})[0])


def test_markdown_has_the_same_figures_and_no_html(shop):
    file = shop / "report.md"
    call = martlet("runs", "report", "latest", "--output", file, "--json", cwd=shop)
    assert call.json["format"] == "markdown" and call.json["size_bytes"] == file.stat().st_size
    text = file.read_text()
    assert text.startswith("# orders\n") and "## Gates" in text and "**ROC curve.**" in text
    assert "<" not in re.sub(r"```.*?```", "", text, flags=re.S)
    assert martlet("runs", "report", "--format", "markdown", "--output", "-", cwd=shop).out == text


def test_a_run_is_found_by_either_of_its_ids(shop, page):
    tracked = martlet("runs", "list", "--json", cwd=shop).json[-1]["run"]
    pipeline = martlet("ps", "--json", cwd=shop).json[-1]["run"]
    for name in (tracked, pipeline, pipeline[:20]):
        assert martlet("runs", "report", name, "--output", "x.html", "--json", cwd=shop).json["run"] == pipeline


def test_wrong_calls_say_what_to_do(shop, tmp_path):
    assert "martlet ps" in martlet("runs", "report", "nonsense", "--json", cwd=shop, expect=WRONG_CALL).error["message"]
    martlet("runs", "report", "--format", "pdf", cwd=shop, expect=WRONG_CALL)
    call = martlet("runs", "report", "--output", tmp_path / "no" / "such" / "folder.html", "--json", cwd=shop, expect=None)
    assert call.status != SUCCESS and "folder.html" in call.error["message"]
    call = martlet("simulate", "--from", "2024-01-15", "--report", tmp_path / "no" / "x.html", "--json", cwd=shop, expect=WRONG_CALL)
    assert "no folder" in call.error["message"]
    martlet("runs", "report", "--output", "-", "--json", cwd=shop, expect=WRONG_CALL)
    martlet("runs", "compare", "latest", "nonsense", "--json", cwd=shop, expect=WRONG_CALL)


# -- runs that didn't come to an end

def test_a_failed_run_shows_what_there_is_and_why_it_failed(tmp_path):
    project = EVALUATED.replace("{column: colour, in: [red, green, blue]}", "{column: colour, in: [red, green]}")
    folder = orders.make(tmp_path / "shop", project=project, count=600)
    martlet("run", "--json", cwd=folder, expect=WORK_FAILED)
    page = report(folder)
    seen, still = browser.look(tmp_path, {"file": page}, {"file": page, "script": False})
    browser.check(seen)
    assert "run failed" in seen["text"] and "ingest:orders failed" in seen["text"] and "colour" in seen["text"]
    assert "Will this order be good?" in still["text"]
    assert "How the model answers" not in seen["headings"]


def test_a_run_of_some_steps_shows_those(tmp_path):
    folder = orders.make(tmp_path / "shop", project=EVALUATED, count=600)
    martlet("run", "--only", "split", "--json", cwd=folder)
    seen = browser.look(tmp_path, {"file": report(folder)})[0]
    browser.check(seen)
    assert "Split by time" in seen["text"] and "Gates" not in seen["headings"]


def test_a_run_that_was_killed_shows_what_there_is(tmp_path):
    folder = orders.make(tmp_path / "shop", project=EVALUATED.replace("rounds: 20", "rounds: 4000"), count=20_000)
    running = subprocess.Popen([PROGRAM, "--quiet", "run"], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        call = martlet("status", "--json", cwd=folder, expect=None)
        if call.status == SUCCESS and any(s["name"] == "split" and s["status"] == "succeeded" for s in call.json["steps"]):
            break
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    seen = browser.look(tmp_path, {"file": report(folder)})[0]
    browser.check(seen)
    assert "hasn't ended" in seen["text"] and "Split by time" in seen["text"]


# -- other tasks and hostile names

def test_a_regression_shows_predicted_against_actual_and_its_residuals(tmp_path):
    folder = tmp_path / "prices"
    folder.mkdir()
    frame = orders.rows(count=2500)
    frame["price"] = np.round(20 + 5 * frame["x"] + 3 * (frame["colour"] == "red") + np.random.default_rng(5).normal(size=len(frame)), 3)
    frame.drop(columns=["good"]).to_csv(folder / "orders.csv", index=False)
    (folder / "martlet.yaml").write_text("""version: 1
project: prices
problem: {question: "What will it cost?", target: price, task: regression, time: at, key: [id], kpis: [{name: error, metric: rmse, goal: "<= baseline"}]}
data: {sources: {orders: {files: orders.csv, csv: {types: {at: timestamp}}}}, datasets: {orders: {sql: select * from orders}}}
split: {by: time, train: 60%, validation: 20%, test: 20%}
models: {candidates: [ridge, {lightgbm: {rounds: 20}}], seed: 3}
evaluation: {slices: [colour]}
""")
    run = martlet("run", "--json", cwd=folder).json
    page = report(folder)
    seen = browser.look(tmp_path, {"file": page})[0]
    browser.check(seen, plots=5)
    titles = [plot["title"] for plot in seen["plots"]]
    assert "Predicted and actual" in titles and "Residuals" in titles and "ROC curve" not in titles
    residuals = next(spec for spec in plots_of(page) if "predicted - actual" in json.dumps(spec))
    drawn = sum(value["y"] for value in values_of(residuals) if "end" in value)
    assert drawn == pytest.approx(0.98 * 500, abs=3)
    assert run["status"] == "succeeded"


HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'`|*_{{datum}}"


def test_hostile_names_stay_text(tmp_path):
    """Whoever fills a table or writes a note writes no code into the report."""
    folder = tmp_path / "shop"
    folder.mkdir()
    frame = orders.rows(count=1500)
    column = HOSTILE.replace('"', "").replace("'", "")
    frame[column] = np.where(frame["x"] > 0, HOSTILE, "</script><script>window.hacked=1</script>")
    frame.to_csv(folder / "orders.csv", index=False)
    quoted = json.dumps(column)
    project = (EVALUATED.replace("question: Will this order be good?", f"question: {json.dumps(HOSTILE)}")
               .replace("name: blue orders", f"name: {json.dumps(HOSTILE)}")
               .replace("unit: EUR", f"unit: {json.dumps(HOSTILE)}")
               .replace("slices: [colour]", f"slices: [colour, {quoted}]")
               .replace("groups: [colour]", f"groups: [{quoted}]"))
    (folder / "martlet.yaml").write_text(project)
    martlet("run", "--json", cwd=folder, expect=None)
    other = martlet("run", "--no-cache", "--json", cwd=folder, expect=None)
    assert other.json["status"] == "succeeded", str(other)
    both = folder / "both.html"
    martlet("runs", "compare", martlet("runs", "list", "--json", cwd=folder).json[-1]["run"], "latest", "--report", both, cwd=folder)
    for seen in browser.look(tmp_path, {"file": report(folder), "point": 1}, {"file": both, "point": 1}):
        browser.check(seen, plots=4)
        assert seen["scripts"] == 2
        assert not {"SCRIPT", "IMG"} & set(seen["tooltip"]["elements"])
    seen = browser.look(tmp_path, {"file": report(folder)})[0]
    assert HOSTILE in seen["text"]
    assert any(HOSTILE[:30] in text for plot in seen["plots"] for text in plot["texts"])
    file = folder / "report.md"
    martlet("runs", "report", "--output", file, cwd=folder)
    assert "<" not in re.sub(r"(`{3,})\n.*?\n\1\n", "", file.read_text(), flags=re.S)


# -- comparisons

@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = orders.make(tmp_path_factory.mktemp("two"), project=EVALUATED)
    first = martlet("run", "--json", cwd=folder).json["run"]
    (folder / "martlet.yaml").write_text(EVALUATED.replace("rounds: 20, num_leaves: 7", "rounds: 2, num_leaves: 3").replace("    - logistic\n", ""))
    second = martlet("run", "--json", cwd=folder, expect=None).json["run"]
    return folder, first, second


def test_compare_tells_what_differs_and_by_how_much(two):
    folder, first, second = two
    json_of = martlet("runs", "compare", first, second, "--json", cwd=folder).json
    lines = {(line["kind"], line["key"]): line for line in json_of["differences"]}
    kpi = lines["metric", "kpi.gain"]
    assert not kpi["equal"] and kpi["difference"] == pytest.approx(kpi["second"] - kpi["first"])
    assert lines["param", "lightgbm.rounds"]["first"] == "20" and lines["param", "lightgbm.rounds"]["second"] == "2"
    assert lines["input", "training: orders"]["equal"]
    assert ("gate", "better_than_baseline") in lines
    assert json_of["first"]["pipeline_run"] == first
    shown = martlet("runs", "compare", first, second, cwd=folder).out
    assert "kpi.gain" in shown and "lightgbm.rounds" in shown and "training: orders" not in shown
    assert "training: orders" in martlet("runs", "compare", first, second, "--all", cwd=folder).out


def test_a_run_is_like_itself(two):
    folder, first, _ = two
    assert "alike" in martlet("runs", "compare", first, first, cwd=folder).out


def test_a_comparison_draws_both_curves(two, tmp_path):
    folder, first, second = two
    file = folder / "both.html"
    martlet("runs", "compare", first, second, "--report", file, cwd=folder)
    assert file.stat().st_size < LARGEST
    seen = browser.look(tmp_path, {"file": file})[0]
    browser.check(seen, plots=3)
    roc = next(plot for plot in seen["plots"] if plot["title"] == "ROC curve")
    assert "first" in roc["texts"] and "second" in roc["texts"]


# -- simulations

def test_a_simulation_report_draws_what_the_loop_earned_and_did(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "martlet.yaml").write_text(LOOP)
    early = orders.rows(count=1900)
    late = orders.rows(count=1900, seed=8, begin="2024-01-20T19:00:00")
    late["x"] = -late["x"]  # the world turns round
    late["id"] += 10_000
    pd.concat([early, late]).to_csv(folder / "orders.csv", index=False)
    file = folder / "simulation.html"
    call = martlet("simulate", "--from", "2024-01-15", "--report", file, "--json", cwd=folder)
    assert file.stat().st_size < LARGEST and str(file) in call.err
    seen = browser.look(tmp_path, {"file": file}, {"file": file, "scheme": "dark", "width": 500})
    for one in seen:
        browser.check(one, plots=5)
    titles = [plot["title"] for plot in seen[0]["plots"]]
    assert titles[:2] == ["Value so far", "Value per window"] and "Columns that have drifted" in titles
    events = {event["kind"] for event in call.json["events"]}
    assert events & {"promoted", "rejected"}
    for kind in events:
        assert kind in seen[0]["text"]
    sums = [v for v in values_of(plots_of(file)[0]) if v.get("series") == "the loop"]
    assert sums[len(sums) // 2 - 1]["y"] == pytest.approx(call.json["totals"]["live"])
    martlet("simulate", "--from", "2024-01-15", "--to", "2024-01-17", "--report", "s.md", cwd=folder)
    assert (folder / "s.md").read_text().startswith("# orders: a simulation\n")
