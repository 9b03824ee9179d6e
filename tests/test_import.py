"""`runs import`: stores that MLflow itself made (tests/mlflow_stores), taken over from a folder, a database and a server."""
import http.server
import json
import os
import signal
import subprocess
import tarfile
import threading
import time
from pathlib import Path

import pytest
import requests
from program import PROGRAM, SUCCESS, WORK_FAILED, WRONG_CALL, environment, martlet
from server_process import Server

STORES = Path(__file__).resolve().parent / "mlflow_stores"
EXPECTED = json.loads((STORES / "expected.json").read_text())
ANSWERS = json.loads((STORES / "server.json").read_text()) if (STORES / "server.json").exists() else {}


def unpack(name, folder):
    with tarfile.open(STORES / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


class Replay(http.server.BaseHTTPRequestHandler):
    """Answers as the real server did; what it was never asked is a failure of the test."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        answer = ANSWERS.get(f"{self.command} {self.path} {body}", {"status": 404, "body": '{"error_code":"ENDPOINT_NOT_FOUND","message":"not recorded"}'})
        if answer["status"] == 404:
            self.server.unknown.append(f"{self.command} {self.path} {body}")
        content = answer["body"].encode()
        self.send_response(answer["status"])
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    made.unknown = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    assert made.unknown == []


def take(source, store, *flags, expect=(SUCCESS, WORK_FAILED)):
    return martlet("runs", "import", source, "--store", store, "--json", *flags, expect=expect).json


def show(store, run):
    return martlet("runs", "show", run, "--store", store, "--json").json


def check_content(store, runs):
    """What make_stores.py put into every store."""
    first = show(store, runs["first"])
    assert first["name"] == "first" and first["status"] == "finished" and first["lifecycle"] == "active"
    assert first["started"] == "2023-11-14T22:13:20Z" and first["ended"] == "2023-11-14T22:13:25Z"
    assert first["params"] == {"lr": "0.1", "empty": "", "model/depth": "7", "Größe": "süß 🐦"}
    assert first["tags"]["a/b"] == "two\nlines" and first["tags"]["mlflow.user"] == "ada"
    assert first["note"] == "the first one"
    assert first["inputs"][0]["name"] == "customers" and first["inputs"][0]["context"] == "training"
    assert {a["path"]: a["size_bytes"] for a in first["artifacts"]} == {"empty.txt": 0, "sub/deep/a b ü.txt": 5, "sub/hello.txt": 5}
    assert first["metrics"]["auc"] == 0.79
    found = {run["name"]: run for run in martlet("runs", "search", "--view", "all", "--limit", "0", "--store", store, "--json").json}
    assert {name: run["run"] for name, run in found.items()} == runs
    assert {name: run["status"] for name, run in found.items()} == {
        "first": "finished", "child": "failed", "killed": "killed", "goes on": "running", "gone": "finished", "idea": "finished",
        "by default": "finished"}
    assert {name for name, run in found.items() if run["lifecycle"] == "deleted"} == {"gone", "idea"}
    assert found["first"]["metrics"]["val/loss"] == -0.25 and found["first"]["metrics"]["odd"] == 0.1
    assert found["child"]["tags"]["mlflow.parentRunId"] == runs["first"]
    assert found["goes on"]["ended"] is None
    assert found["first"]["experiment"] == "churn" and found["by default"]["experiment"] == "Default"
    assert martlet("verify", "--store", store).status == SUCCESS


def check_models(store, expected, deleted_too=True):
    """What make_stores.py put into every store of logged and registered models."""
    models, first = expected["models"], expected["runs"]["first"]
    with Server(store.parent, "--store", store) as server:
        api = f"{server.url}/api/2.0/mlflow"

        def logged(name):
            answer = requests.get(f"{api}/logged-models/{models[name]}", params={"allow_deleted": "true"}, timeout=10)
            return answer.json()["model"] if answer.status_code == 200 else None

        forest = logged("forest")
        info, data = forest["info"], forest["data"]
        assert info["name"] == "forest" and info["status"] == "LOGGED_MODEL_READY" and info["model_type"] == "sklearn"
        assert info["source_run_id"] == first
        assert {tag["key"]: tag["value"] for tag in info["tags"]}.items() >= {"kind": "süß 🐦", "mlflow.user": "ada"}.items()
        assert {param["key"]: param["value"] for param in data["params"]} == {"depth": "7", "lr": "0.1"}
        assert {(m["key"], m.get("dataset_name"), m["value"], int(m["step"]), m["run_id"]) for m in data["metrics"]} == {
            ("model_auc", None, 0.8, 2, first), ("model_auc", "customers", 0.6, 5, first)}
        file = requests.get(f"{server.url}/ajax-api/2.0/mlflow/logged-models/{models['forest']}/artifacts/files",
                            params={"artifact_file_path": "data/weights ü.bin"}, timeout=10)
        assert file.content == bytes(range(128))
        assert logged("pending")["info"]["status"] == "LOGGED_MODEL_PENDING"
        assert logged("failed")["info"]["status"] == "LOGGED_MODEL_UPLOAD_FAILED"
        assert (logged("thrown away") is not None) == deleted_too
        active = requests.post(f"{api}/logged-models/search", json={"experiment_ids": [info["experiment_id"]]}, timeout=10).json()["models"]
        assert {model["info"]["name"] for model in active} == {"forest", "pending", "failed"}

        def run(name):
            return requests.get(f"{api}/runs/get", params={"run_id": expected["runs"][name]}, timeout=10).json()["run"]

        assert [(m["model_id"], int(m["step"])) for m in run("first")["outputs"]["model_outputs"]] == [(models["forest"], 3)]
        assert [m["model_id"] for m in run("child")["inputs"]["model_inputs"]] == [models["forest"]]

        registered = {m["name"]: m for m in requests.get(f"{api}/registered-models/search", timeout=10).json()["registered_models"]}
        assert set(registered) == {"leavers", "empty", "copies"}
        leavers = registered["leavers"]
        assert leavers["description"] == "who leaves"
        assert {tag["key"]: tag["value"] for tag in leavers["tags"]} == {"team": "a", "größe": "1"}
        assert {alias["alias"]: alias["version"] for alias in leavers["aliases"]} == {"champion": "2", "old": "1"}
        found = requests.get(f"{api}/model-versions/search", timeout=10).json()["model_versions"]
        versions = {(version["name"], version["version"]): version for version in found}
        assert set(versions) == {("leavers", "1"), ("leavers", "2"), ("leavers", "4"), ("copies", "1")}
        one, two, four, copy = (versions[name] for name in [("leavers", "1"), ("leavers", "2"), ("leavers", "4"), ("copies", "1")])
        assert one["source"] == f"models:/{models['forest']}" and one["description"] == "of a logged model" and one["run_id"] == first
        assert [(tag["key"], tag["value"]) for tag in one["tags"]] == [("checked", "yes")] and one["current_stage"] == "Archived"
        assert two["current_stage"] == "Production" and two["run_id"] == first
        assert two["source"] == requests.get(f"{api}/runs/get", params={"run_id": first}, timeout=10).json()["run"]["info"]["artifact_uri"] + "/sub"
        assert four["source"] == "s3://bucket/other" and copy["source"] == "models:/leavers/1"

        def place(name, number):
            return requests.get(f"{api}/model-versions/get-download-uri", params={"name": name, "version": number}, timeout=10).json()["artifact_uri"]

        assert place("leavers", "1") == place("copies", "1") == info["artifact_uri"]
        assert server.stop() == 0
    assert martlet("verify", "--store", store).status == SUCCESS


KINDS = ("experiments", "runs", "points", "params", "tags", "datasets", "artifacts", "logged_models", "model_files", "registered_models",
         "model_versions", "model_aliases", "model_tags")


def added(report):
    return {kind: report[kind]["added"] for kind in KINDS if report[kind]["added"]}


def rules(report):
    return sorted({finding["rule"] for finding in report["findings"]})


def test_a_folder_is_taken_over_and_a_second_time_adds_nothing(tmp_path):
    source, store = unpack("files", tmp_path) / "mlruns", tmp_path / "store"
    rehearsed = take(source, store, "--dry-run")
    assert rehearsed["dry_run"] and not store.exists()
    report = take(source, store, expect=SUCCESS)
    assert report["kind"] == "files" and report["findings"] == []
    assert report["experiments"] == {"found": 3, "added": 2} and report["runs"] == {"found": 7, "added": 7}
    assert report["artifacts"]["added"] == 3
    assert {**rehearsed, "dry_run": False} == report
    check_content(store, EXPECTED["files"]["runs"])
    assert report["logged_models"] == {"found": 4, "added": 4, "params": 2, "tags": 2, "metrics": 2}
    assert report["model_files"] == {"found": 2, "added": 2, "bytes": 128 + len("flavors: {}\n")}
    assert report["registered_models"] == {"found": 3, "added": 3} and report["model_versions"] == {"found": 4, "added": 4}
    assert report["model_aliases"] == {"added": 2}
    check_models(store, EXPECTED["files"])
    assert added(take(source, store, expect=SUCCESS)) == {}


def test_a_database_is_taken_over_with_the_artifacts_beside_it(tmp_path):
    source, store = unpack("database", tmp_path), tmp_path / "store"
    before = (source / "mlflow.db").read_bytes()
    rehearsed = take(source / "mlflow.db", store, "--dry-run", expect=SUCCESS)
    report = take(source / "mlflow.db", store, expect=SUCCESS)
    assert report["kind"] == "database" and report["findings"] == [] and {**rehearsed, "dry_run": False} == report
    assert report["runs"] == {"found": 7, "added": 7} and report["points"]["found"] == report["points"]["added"]
    check_content(store, EXPECTED["database"]["runs"])
    check_models(store, EXPECTED["database"])
    assert (source / "mlflow.db").read_bytes() == before
    assert added(take(f"sqlite:///{source}/mlflow.db", store, expect=SUCCESS)) == {}


def test_a_server_is_taken_over_page_by_page(tmp_path, server):
    store = tmp_path / "store"
    report = take(f"http://127.0.0.1:{server.server_port}", store, expect=SUCCESS)
    assert report["kind"] == "server" and report["findings"] == []
    assert report["runs"] == {"found": 7, "added": 7} and report["artifacts"]["added"] == 3
    check_content(store, EXPECTED["database"]["runs"])
    check_models(store, EXPECTED["database"], deleted_too=False)
    # The same store, from the database behind it: nothing is new but the logged model that no server lists.
    again = take(unpack("database", tmp_path / "behind") / "mlflow.db", store, expect=SUCCESS)
    assert added(again) == {"logged_models": 1}


def test_a_martlet_server_is_taken_over_as_any_other(tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    take(unpack("files", tmp_path) / "mlruns", theirs, expect=SUCCESS)
    with Server(tmp_path, "--store", theirs) as server:
        report = take(server.url, ours, expect=SUCCESS)
        assert report["findings"] == [] and report["model_versions"] == {"found": 4, "added": 4}
        assert added(take(server.url, ours, expect=SUCCESS)) == {}
    check_content(ours, EXPECTED["files"]["runs"])
    check_models(ours, EXPECTED["files"], deleted_too=False)


def test_what_was_changed_here_stays_and_another_model_of_the_name_is_told(tmp_path):
    source, store = unpack("files", tmp_path) / "mlruns", tmp_path / "store"
    take(source, store, expect=SUCCESS)
    martlet("models", "delete", "leavers/4", "--store", store)
    martlet("models", "tag", "leavers", "team", "b", "--store", store)
    martlet("models", "alias", "leavers/1", "champion", "--store", store)
    again = take(source, store, expect=WORK_FAILED)
    assert rules(again) == ["alias_differs", "version_removed"] and added(again) == {}
    models = {model["name"]: model for model in martlet("models", "search", "--store", store, "--json").json}
    assert models["leavers"]["tags"]["team"] == "b"
    # A model that others have made under this name.
    other = tmp_path / "other"
    with Server(tmp_path, "--store", other) as server:
        api = f"{server.url}/api/2.0/mlflow"
        requests.post(f"{api}/registered-models/create", json={"name": "leavers"}, timeout=10)
        made = requests.post(f"{api}/model-versions/create", json={"name": "leavers", "source": "s3://mine"}, timeout=10)
        assert made.status_code == 200 and server.stop() == 0
    report = take(source, other, expect=WORK_FAILED)
    assert rules(report) == ["model_differs"] and "rename" in report["findings"][0]["message"]
    assert report["registered_models"] == {"found": 3, "added": 2} and report["runs"]["added"] == 7
    assert [v["source"] for v in martlet("models", "search", "name = 'leavers'", "--versions", "--store", other, "--json").json] == ["s3://mine"]
    assert martlet("verify", "--store", other).status == SUCCESS


def test_a_version_whose_files_lie_nowhere_is_left_out_and_told(tmp_path):
    source, store = unpack("files", tmp_path) / "mlruns", tmp_path / "store"
    meta = source / "models" / "leavers" / "version-4" / "meta.yaml"
    meta.write_text(meta.read_text().replace("s3://bucket/other", "file:///etc"))
    (source / "models" / "leavers" / "aliases" / "bad alias").write_text("1")
    report = take(source, store, expect=WORK_FAILED)
    assert rules(report) == ["bad_alias", "bad_source"] and report["model_versions"] == {"found": 4, "added": 3}


def test_deleted_runs_keep_their_age_and_come_back_with_their_experiment(tmp_path):
    source, store = unpack("files", tmp_path) / "mlruns", tmp_path / "store"
    take(source, store, expect=SUCCESS)
    runs = EXPECTED["files"]["runs"]
    with Server(tmp_path, "--store", store) as server:
        api = f"{server.url}/api/2.0/mlflow"
        old = requests.get(f"{api}/runs/get", params={"run_id": runs["idea"]}, timeout=10).json()["run"]["info"]
        requests.post(f"{api}/experiments/restore", json={"experiment_id": old["experiment_id"]}, timeout=10)
        stage = {name: requests.get(f"{api}/runs/get", params={"run_id": runs[name]}, timeout=10).json()["run"]["info"]["lifecycle_stage"]
                 for name in ("idea", "gone")}
        assert stage == {"idea": "active", "gone": "deleted"}
        assert server.stop() == 0
    # Deleted when the fixture was made, long before it was imported.
    martlet("gc", "--deleted-older-than", "60s", "--older-than", "0s", "--store", store)
    assert martlet("runs", "show", runs["gone"], "--store", store, expect=None).status != SUCCESS
    assert show(store, runs["idea"])["name"] == "idea"


def test_every_point_is_there_with_nan_and_infinities(tmp_path):
    store = tmp_path / "store"
    take(unpack("files", tmp_path) / "mlruns", store)
    import sqlite3
    import struct
    database = sqlite3.connect(store / "metadata.db")
    run = EXPECTED["files"]["runs"]["first"]
    points = {}
    for key, chunk in database.execute("select key, points from run_metric_chunks where run = ? order by key, number", (run,)):
        points.setdefault(key, []).extend(struct.iter_unpack("<qqd", chunk))
    database.close()
    assert len(points["auc"]) == 30 and points["auc"][7] == ((1_700_000_000_000 + 7) * 1000, 7, 0.5 + 7 / 100)
    loss = {step: value for _, step, value in points["val/loss"]}
    assert loss[0] == 1.5 and loss[1] != loss[1] and loss[2] == float("inf") and loss[3] == float("-inf") and loss[4] == -0.25
    assert {(step, value) for _, step, value in points["odd"]} == {(-3, 1e-310), (9_000_000_000, 0.1)}


def test_an_import_that_is_killed_at_any_moment_goes_on(tmp_path):
    source = unpack("files", tmp_path) / "mlruns"
    # Enough runs that there is something to kill.
    template = source / EXPECTED["files"]["churn"] / EXPECTED["files"]["runs"]["first"]
    for number in range(150):
        run = f"{number:032x}"
        copy = template.parent / run
        subprocess.run(["cp", "-r", template, copy], check=True)
        meta = (copy / "meta.yaml").read_text().replace(EXPECTED["files"]["runs"]["first"], run)
        (copy / "meta.yaml").write_text(meta)
    store = tmp_path / "store"
    killed = 0
    for attempt in range(8):
        process = subprocess.Popen([PROGRAM, "runs", "import", str(source), "--store", str(store)], env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.1 + 0.15 * attempt)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert killed > 0
    rest = take(source, store, expect=SUCCESS)
    assert rest["runs"]["found"] == 157
    again = take(source, store, expect=SUCCESS)
    assert again["runs"]["added"] == again["points"]["added"] == again["artifacts"]["added"] == 0
    assert len(martlet("runs", "search", "params.lr = '0.1'", "--limit", "0", "--store", store, "--json").json) == 151
    assert martlet("verify", "--store", store).status == SUCCESS


def test_what_cant_be_read_is_told_at_once_and_the_rest_is_imported(tmp_path):
    source = unpack("files", tmp_path) / "mlruns"
    churn = source / EXPECTED["files"]["churn"]
    runs = EXPECTED["files"]["runs"]
    (churn / runs["killed"] / "meta.yaml").write_text("run_id: [")
    (churn / runs["first"] / "params" / "long").write_text("x" * 6001)
    (churn / runs["first"] / "metrics" / "bad").write_text("never 1 2\n")
    os.symlink("/etc/hostname", churn / runs["first"] / "artifacts" / "host")
    store = tmp_path / "store"
    report = take(source, store, expect=WORK_FAILED)
    assert rules(report) == ["bad_meta", "bad_point", "no_file", "too_long"]
    assert report["runs"] == {"found": 6, "added": 6}
    assert "long" not in show(store, runs["first"])["params"]


@pytest.mark.parametrize("source, status", [("absent", WRONG_CALL), (".", WRONG_CALL), ("postgresql://host/db", WRONG_CALL)])
def test_what_is_no_store_is_refused_with_words(tmp_path, source, status):
    call = martlet("runs", "import", source, "--json", cwd=tmp_path, expect=None)
    assert call.status != SUCCESS and call.error["message"]


def test_a_server_that_isnt_there_is_told(tmp_path):
    call = martlet("runs", "import", "http://127.0.0.1:9", "--store", tmp_path / "store", "--json", expect=None)
    assert call.status == 3 and call.error["code"] == "unavailable"


def test_searching_and_noting_what_was_imported(tmp_path):
    store = tmp_path / "store"
    take(unpack("files", tmp_path) / "mlruns", store)
    runs = EXPECTED["files"]["runs"]

    def search(*arguments):
        return [run["name"] for run in martlet("runs", "search", *arguments, "--store", store, "--json").json]

    assert search("metrics.auc > 0.35", "--order-by", "metrics.auc DESC") == ["first", "child"]
    assert search("metrics.auc > 0.1", "--order-by", "metrics.auc ASC") == ["goes on", "child", "first"]
    assert search("params.lr = '0.2'") == [] and search("params.lr = '0.2'", "--view", "deleted") == ["gone"]
    assert search("tags.team = 'a' and datasets.name = 'customers'") == ["first"]
    assert search("--experiment", "Default") == ["by default"]
    assert len(search("--limit", "2")) == 2
    text = martlet("runs", "search", "metrics.auc > 0.35", "--order-by", "metrics.auc DESC", "--store", store).out
    assert "metrics.auc" in text and "0.79" in text
    wrong = martlet("runs", "search", "metrics.auc > 0.3 or params.x = 'y'", "--store", store, expect=WRONG_CALL)
    lines = wrong.err.splitlines()
    caret = next(line for line in lines if line.strip() == "^")
    assert lines[lines.index(caret) - 1][caret.index("^"):].startswith("or params")
    near = martlet("runs", "search", "--experiment", "chrun", "--store", store, expect=None)
    assert "churn" in near.err
    prefix = runs["child"][:12]
    assert martlet("runs", "note", prefix, "look again", "--store", store, "--json").json == {"run": runs["child"], "note": "look again"}
    assert show(store, prefix)["note"] == "look again"
    assert search("tags.`mlflow.note.content` = 'look again'") == ["child"]
    (tmp_path / "note.md").write_text("from a file")
    martlet("runs", "note", runs["child"], "--file", tmp_path / "note.md", "--store", store)
    assert show(store, runs["child"])["note"] == "from a file"
    martlet("runs", "note", runs["child"], "", "--store", store)
    assert show(store, runs["child"])["note"] is None
    assert martlet("runs", "note", runs["child"], "--store", store, expect=WRONG_CALL).err
