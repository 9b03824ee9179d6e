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
from program import PROGRAM, SUCCESS, WORK_FAILED, WRONG_CALL, environment, martlet

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
    again = take(source, store)
    assert all(again[kind]["added"] == 0 for kind in ("experiments", "runs", "points", "params", "tags", "datasets", "artifacts"))


def test_a_database_is_taken_over_with_the_artifacts_beside_it(tmp_path):
    source, store = unpack("database", tmp_path), tmp_path / "store"
    before = (source / "mlflow.db").read_bytes()
    report = take(source / "mlflow.db", store, expect=WORK_FAILED)
    assert report["kind"] == "database" and rules(report) == ["not_imported"]  # a registered model
    assert report["runs"] == {"found": 7, "added": 7} and report["points"]["found"] == report["points"]["added"]
    check_content(store, EXPECTED["database"]["runs"])
    assert (source / "mlflow.db").read_bytes() == before
    again = take(f"sqlite:///{source}/mlflow.db", store)
    assert again["runs"]["added"] == again["points"]["added"] == again["artifacts"]["added"] == 0


def test_a_server_is_taken_over_page_by_page(tmp_path, server):
    store = tmp_path / "store"
    report = take(f"http://127.0.0.1:{server.server_port}", store)
    assert report["kind"] == "server" and rules(report) == ["not_imported"]
    assert report["runs"] == {"found": 7, "added": 7} and report["artifacts"]["added"] == 3
    check_content(store, EXPECTED["database"]["runs"])
    # The same runs, from the database behind it: nothing is new.
    again = take(unpack("database", tmp_path / "behind") / "mlflow.db", store)
    assert again["runs"]["added"] == again["points"]["added"] == again["artifacts"]["added"] == again["params"]["added"] == 0


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
