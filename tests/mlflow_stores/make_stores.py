#!/usr/bin/env python3
"""Makes the stores that tests/test_import.py imports, with MLflow itself: a folder, a database, and what a server answers.

Usage: make_stores.py FOLDER [MARTLET]

Needs mlflow 3.17.2 and pandas (not part of the tests' environment). FOLDER must not exist; afterwards it holds
mlruns/ (the folder store), mlflow.db with its mlruns/ beside it (below database/), and, when MARTLET is named, server.json:
each answer that a real `mlflow server` on that database gave to `martlet runs import`, by request. What is made is
packed into files.tar.gz, database.tar.gz and server.json beside this script. expected.json says what is in them.
"""
import gzip
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "1"
os.environ["LOGNAME"] = os.environ["USER"] = "ada"
warnings.simplefilter("ignore")
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
import mlflow.data  # noqa: E402
from mlflow.entities import DatasetInput, InputTag, Metric  # noqa: E402

HERE = Path(__file__).resolve().parent
T0 = 1_700_000_000_000


def fill(uri):
    """The same content, whatever the store. Returns what is in it."""
    client = MlflowClient(uri)
    churn = client.create_experiment("churn", tags={"team": "a", "mlflow.note.content": "who leaves"})
    old = client.create_experiment("old ideas")
    runs = {}

    def run(name, experiment=churn, status="FINISHED", tags=None, start=T0, **more):
        made = client.create_run(experiment, run_name=name, start_time=start, tags={"mlflow.user": "ada", **(tags or {})})
        runs[name] = made.info.run_id
        more.get("log", lambda run_id: None)(made.info.run_id)
        if status != "RUNNING":
            client.set_terminated(made.info.run_id, status, end_time=start + 5000)
        return made.info.run_id

    def first(run_id):
        client.log_param(run_id, "lr", "0.1")
        client.log_param(run_id, "empty", "")
        client.log_param(run_id, "model/depth", "7")
        client.log_param(run_id, "Größe", "süß 🐦")
        client.set_tag(run_id, "team", "a")
        client.set_tag(run_id, "a/b", "two\nlines")
        client.set_tag(run_id, "mlflow.note.content", "the first one")
        points = [Metric("auc", 0.5 + step / 100, T0 + step, step) for step in range(30)]
        points += [Metric("val/loss", value, T0 + 1, step) for step, value in
                   enumerate([1.5, float("nan"), float("inf"), float("-inf"), -0.25])]
        points += [Metric("odd", 1e-310, T0, -3), Metric("odd", 0.1, T0, 9_000_000_000), Metric("odd", 0.1, T0, 9_000_000_000)]
        client.log_batch(run_id, metrics=points)
        frame = pd.DataFrame({"age": [1.0, 2.0]})
        dataset = mlflow.data.from_pandas(frame, name="customers")
        client.log_inputs(run_id, [DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])])
        client.log_text(run_id, "hello", "sub/hello.txt")
        client.log_text(run_id, "", "empty.txt")
        client.log_text(run_id, "blank", "sub/deep/a b ü.txt")

    parent = run("first", log=first)
    run("child", status="FAILED", start=T0 + 10_000, tags={"mlflow.parentRunId": parent},
        log=lambda run_id: client.log_metric(run_id, "auc", 0.4, T0 + 10_001, 0))
    run("killed", status="KILLED", start=T0 + 20_000)
    run("goes on", status="RUNNING", start=T0 + 30_000, log=lambda run_id: client.log_metric(run_id, "auc", 0.3, T0, 0))
    client.delete_run(run("gone", start=T0 + 40_000, log=lambda run_id: client.log_param(run_id, "lr", "0.2")))
    run("idea", experiment=old, start=T0 + 50_000)
    client.delete_experiment(old)
    run("by default", experiment="0", start=T0 + 60_000)
    return {"churn": churn, "old ideas": old, "runs": runs}


def pack(folder, names, target):
    """A tar archive that depends on nothing but the files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name in names:
            archive.add(folder / name, name, filter=lambda info: info.replace(uid=0, gid=0, uname="", gname="", mtime=0, deep=False))
    with open(target, "wb") as out, gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as packed:
        packed.write(raw.getvalue())


class Recorder(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server behind it, and keeps the answers."""
    behind = ""
    kept = {}

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = urllib.request.Request(self.behind + self.path, data=body or None, method=self.command,
                                         headers={"content-type": "application/json"} if body else {})
        try:
            with urllib.request.urlopen(request) as response:
                status, content = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        self.kept[f"{self.command} {self.path} {body.decode()}"] = {"status": status, "body": content.decode()}
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def record(folder, martlet):
    port = 5969
    server = subprocess.Popen([Path(sys.executable).parent / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
                               "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/database/mlflow.db",
                               "--artifacts-destination", f"{folder}/database/mlruns"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        Recorder.behind = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                urllib.request.urlopen(Recorder.behind + "/health").read()
                break
            except OSError:
                time.sleep(1)
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        done = subprocess.run([martlet, "runs", "import", f"http://127.0.0.1:{proxy.server_port}", "--store", folder / "store", "--json"],
                              capture_output=True, text=True)
        print(done.stdout, done.stderr)
        (HERE / "server.json").write_text(json.dumps(Recorder.kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def main():
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir()
    (folder / "database").mkdir()
    os.chdir(folder / "database")
    database = f"sqlite:///{folder}/database/mlflow.db"
    expected = {"files": fill(f"file://{folder}/mlruns"), "database": fill(database)}
    MlflowClient(database).create_registered_model("leavers")
    pack(folder, ["mlruns"], HERE / "files.tar.gz")
    pack(folder / "database", ["mlflow.db", "mlruns"], HERE / "database.tar.gz")
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
    if len(sys.argv) > 2:
        record(folder, sys.argv[2])
    shutil.rmtree(folder)


main()
