"""`lineage` and `why`: from one prediction back to the files, and what a run records of its surroundings."""
import shutil
import subprocess

import orders
import pytest
import requests
from program import WRONG_CALL, martlet
from server_process import Server, records

LOOKUP = """features:
  lookups:
    shade: {dataset: shades, key: colour, at: since, features: [depth]}
"""
PROJECT = (orders.PROJECT.replace("    - logistic\n", "").replace("  datasets:\n", "    shades: {files: shades.csv, csv: {types: {since: timestamp}}}\n  datasets:\n")
           .replace("split:", LOOKUP + "\nsplit:"))
SHADES = "colour,since,depth\nred,2023-01-01T00:00:00Z,1\ngreen,2023-01-01T00:00:00Z,2\nblue,2023-01-01T00:00:00Z,3.5\n"


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A project that has run and answered three rows; the first one's truth is known."""
    shop = tmp_path_factory.mktemp("lineage")
    (shop / "shades.csv").write_text(SHADES)
    orders.make(shop, project=PROJECT)
    run = martlet("run", "--json", cwd=shop).json
    rows = orders.rows(count=3, seed=5, begin="2025-06-01").drop(columns="good")
    with Server(shop) as server:
        asked = records(rows, ["id", "at", "x", "z", "colour"])
        answer = requests.post(f"{server.url}/invocations", json={"dataframe_records": asked}, timeout=10)
        assert answer.status_code == 200, answer.text
        truth = requests.post(f"{server.url}/api/v1/truth", json={"records": [{"key": {"id": 0}, "actual": True}]}, timeout=10)
        assert truth.status_code == 200, truth.text
        assert server.stop() == 0
    return shop, run, asked, answer.json()["predictions"]


def lineage(shop, what):
    return martlet("lineage", what, "--json", cwd=shop).json


def kinds_of(report):
    return {node["kind"] for node in report["nodes"]}


def edges_of(report):
    return {(edge["from"]["kind"], edge["relation"], edge["to"]["kind"]) for edge in report["edges"]}


# -- lineage

def test_a_prediction_leads_back_to_the_files(answered):
    shop, run, _, predictions = answered
    report = lineage(shop, predictions[0]["prediction_id"])
    assert report["start"] == {"kind": "prediction", "id": predictions[0]["prediction_id"],
                               "label": "prediction " + predictions[0]["prediction_id"]}
    assert {("model_version", "answered", "prediction"), ("package", "registered as", "model_version"), ("run", "built", "package"),
            ("run", "fitted", "feature_program"), ("feature_program", "is part of", "package"), ("dataset_version", "read by", "run"),
            ("source", "ingested as", "dataset_version")} == edges_of(report)
    assert run["run"] in [node["id"] for node in report["nodes"]]
    sources = [node["label"] for node in report["nodes"] if node["kind"] == "source"]
    assert len(sources) == 2 and any("orders.csv" in source for source in sources) and any("shades.csv" in source for source in sources)
    assert report["complete"] is True


@pytest.mark.parametrize("what", ["orders/1", "orders@live", "models:/orders/1"])
def test_a_model_is_found_by_version_and_by_alias(answered, what):
    report = lineage(answered[0], what)
    assert report["start"]["id"] == "orders/1" and "live in experiment" in report["start"]["label"]
    assert ("model_version", "is live in", "deployment") in edges_of(report)


def test_a_dataset_version_leads_forward_to_the_deployment(answered):
    for what in ("orders@v1", "shades", martlet("data", "show", "orders@v1", "--json", cwd=answered[0]).json["digest"]):
        report = lineage(answered[0], what)
        assert report["start"]["kind"] == "dataset_version"
        assert {"source", "run", "package", "model_version", "deployment"} <= kinds_of(report)


def test_a_run_is_found_by_the_beginning_of_its_id_and_by_its_tracked_id(answered):
    shop, run, _, _ = answered
    tracked = martlet("runs", "list", "--json", cwd=shop).json[0]["run"]
    for what in (run["run"], run["run"][:31], "latest", tracked):
        assert lineage(shop, what)["start"]["id"] == run["run"]


def test_people_get_a_tree_and_tools_a_graph(answered):
    shop, run, _, _ = answered
    text = martlet("lineage", "orders@live", cwd=shop).out
    assert "upstream" in text and "downstream" in text and "└─" in text and "orders@v1 (3000 rows)" in text
    mermaid = martlet("lineage", "orders@live", "--format", "mermaid", cwd=shop).out
    assert mermaid.startswith("flowchart LR\n") and "-->|registered as|" in mermaid and ":::start" in mermaid
    dot = martlet("lineage", "orders@live", "--format", "dot", cwd=shop).out
    assert dot.startswith("digraph lineage {") and dot.endswith("}\n") and 'label="registered as"' in dot
    assert "text, mermaid and dot" in martlet("lineage", "orders@live", "--format", "svg", cwd=shop, expect=WRONG_CALL).err


def test_unknown_and_ambiguous_names_are_refused_precisely(answered):
    shop = answered[0]
    assert "could be" in martlet("lineage", "orders", "--json", cwd=shop, expect=WRONG_CALL).error["message"]
    for what, words in (("ordres", "is no prediction"), ("orders/7", "7"), ("orders@v9", "version 9"), ("orders@champion", "champion"),
                        ("0" * 32, "is no prediction"), ("sha256:12", "sha256:12")):
        assert words in martlet("lineage", what, "--json", cwd=shop, expect=WRONG_CALL).error["message"], what


def test_two_versions_are_linked_by_who_was_the_champion(tmp_path):
    project = orders.PROJECT.replace("    - logistic\n", "")
    shop = orders.make(tmp_path / "shop", project=project)
    martlet("run", "--json", cwd=shop)
    (shop / "martlet.yaml").write_text(project.replace("rounds: 20", "rounds: 50") + "evaluation: {gates: [{better_than: champion, non_inferior: 5}]}\n")
    martlet("run", "--json", cwd=shop)
    report = lineage(shop, "orders/2")
    assert ("model_version", "was the champion for", "run") in edges_of(report)
    assert ("model_version", "was live in", "deployment") in edges_of(lineage(shop, "orders/1"))


# -- why

def test_why_tells_everything_behind_an_answer(answered):
    shop, run, asked, predictions = answered
    why = martlet("why", predictions[0]["prediction_id"], "--json", cwd=shop).json
    assert why["prediction"]["deployment"] == "experiment/orders" and why["prediction"]["key"] == "0"
    for name in ("x", "z", "colour"):
        assert why["inputs"][name] == asked[0][name]
    assert why["features"]["x"] == asked[0]["x"]
    assert why["recomputed"] == {"score": predictions[0]["score"], "equal": True, "note": None}
    assert why["decision"]["score"] == predictions[0]["score"] and why["decision"]["target"] == "good"
    assert why["decision"]["predicted"] == (why["decision"]["score"] >= why["decision"]["threshold"]) == predictions[0]["predicted"]
    assert why["model"]["name"] == "orders" and why["model"]["version"] == 1 and why["model"]["digest"] == run["model"]["digest"]
    assert [gate["name"] for gate in why["gates"]] == [gate["name"] for gate in run["gates"]]
    assert why["run"] == run["run"]
    datasets = {dataset["name"]: dataset for dataset in why["datasets"]}
    assert datasets["orders@v1"]["role"] == "training" and datasets["shades@v1"]["role"] == "lookup"
    assert datasets["orders@v1"]["sources"][0]["path"].endswith("orders.csv")
    assert datasets["orders@v1"]["sources"][0]["digest"].startswith("sha256:")
    lookup = why["lookups"][0]
    assert lookup["lookup"] == "shade" and lookup["dataset"] == "shades@v1" and lookup["found"] is True
    assert lookup["at"] == "2023-01-01T00:00:00Z"
    assert why["truth"]["actual"] == 1


def test_what_turned_out_to_be_true_is_unknown_until_it_is_known(answered):
    shop, _, _, predictions = answered
    why = martlet("why", predictions[1]["prediction_id"], cwd=shop)
    assert "isn't known yet" in why.out and "the same to the last bit" in why.out and "orders@v1" in why.out


def test_a_newer_look_up_table_does_not_change_the_answer_of_then(answered):
    shop, run, _, predictions = answered
    (shop / "shades.csv").write_text(SHADES.replace("1\n", "9\n").replace("3.5\n", "7\n").replace(",2\n", ",8\n"))
    martlet("run", "--json", cwd=shop, expect=None)
    why = martlet("why", predictions[0]["prediction_id"], "--json", cwd=shop).json
    assert why["lookups"][0]["dataset"] == "shades@v1" and why["recomputed"]["equal"] is True
    (shop / "shades.csv").write_text(SHADES)


def test_why_of_an_unknown_prediction_is_refused(answered):
    error = martlet("why", "f" * 32, "--json", cwd=answered[0], expect=WRONG_CALL).error
    assert error["code"] == "not_found" and "32 hex digits" in error["message"]
    martlet("why", "../../etc/passwd", "--json", cwd=answered[0], expect=WRONG_CALL)


# -- what a run records

def git(folder, *arguments):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments], check=True, capture_output=True)


def facts_of(shop):
    run = martlet("runs", "show", "latest", "--json", cwd=shop).json
    return run["facts"], {artifact["path"]: artifact for artifact in run["artifacts"]}


@pytest.fixture
def small(tmp_path):
    return orders.make(tmp_path / "repository" / "shop", project=orders.PROJECT.replace("    - logistic\n", ""), count=1500)


def test_a_run_records_libraries_seeds_and_instruction_sets(small):
    martlet("run", "--json", cwd=small, expect=None)
    facts, artifacts = facts_of(small)
    assert {"duckdb", "sqlite", "lightgbm", "glibc", "compiler"} <= facts["libraries"].keys() and all(facts["libraries"].values())
    assert facts["libraries"]["lightgbm"] == "4.7.0"
    assert facts["seeds"]["models"] == 3 and facts["cpu_features"]
    assert facts["git"] is None and "git.diff" not in artifacts


@pytest.mark.skipif(shutil.which("git", path="/usr/local/bin:/usr/bin:/bin") is None, reason="there is no git on this machine")
def test_a_run_records_the_commit_and_what_is_changed_in_its_own_folder(small):
    repository = small.parent
    (repository / "elsewhere.txt").write_text("before\n")
    (small / ".env").write_text("TOKEN=none\n")
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "all")
    commit = subprocess.run(["git", "-C", str(repository), "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    martlet("run", "--json", cwd=small, expect=None)
    facts, artifacts = facts_of(small)
    assert facts["git"] == {"commit": commit, "dirty": False, "diff_bytes": 0, "diff_cut": False} and "git.diff" not in artifacts

    (repository / "elsewhere.txt").write_text("hidden-elsewhere\n")
    (small / ".env").write_text("TOKEN=hidden-token\n")
    (small / "untracked.txt").write_text("hidden-untracked\n")
    (small / "martlet.yaml").write_text((small / "martlet.yaml").read_text().replace("rounds: 20", "rounds: 21"))
    martlet("run", "--json", cwd=small, expect=None)
    facts, artifacts = facts_of(small)
    assert facts["git"]["commit"] == commit and facts["git"]["dirty"] is True
    digits = artifacts["git.diff"]["digest"].removeprefix("sha256:")
    diff = (small / ".martlet" / "blobs" / digits[:2] / digits[2:]).read_text()
    assert "+    - lightgbm: {rounds: 21, num_leaves: 7}" in diff and facts["git"]["diff_bytes"] == len(diff.encode())
    assert "hidden" not in diff


@pytest.mark.skipif(shutil.which("git", path="/usr/local/bin:/usr/bin:/bin") is None, reason="there is no git on this machine")
def test_a_huge_change_is_cut_and_said_to_be(small):
    (small / "notes.txt").write_text("")
    git(small, "init", "-q")
    git(small, "add", "notes.txt")
    git(small, "commit", "-q", "-m", "notes")
    (small / "notes.txt").write_text("a line of notes\n" * 200_000)
    martlet("run", "--json", cwd=small, expect=None)
    facts, artifacts = facts_of(small)
    assert facts["git"]["diff_cut"] is True and artifacts["git.diff"]["size_bytes"] < (1 << 20) + 1000


def test_a_broken_repository_costs_nothing(small):
    (small / ".git").write_text("gitdir: nowhere\n")
    martlet("run", "--json", cwd=small, expect=None)
    assert facts_of(small)[0]["git"] is None
