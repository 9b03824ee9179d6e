#!/usr/bin/env python3
"""Makes the stores that tests/test_import.py imports, with MLflow itself: a folder, a database, and what a server answers.

Usage: make_stores.py FOLDER

Needs mlflow 3.17.2 and pandas (not part of the tests' environment). FOLDER must not exist; it holds the stores while they are
made, and in them its path is replaced by PLACE. What is made is packed beside this script: files.tar.gz (a folder store), database.tar.gz (a SQLite database with its
artifacts), server.json (each answer that a real `mlflow server` on that database gave to what an import asks, by request),
expected.json (names and ids).
"""
import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import warnings
from pathlib import Path
from urllib.parse import quote

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "1"
os.environ["LOGNAME"] = os.environ["USER"] = "ada"
warnings.simplefilter("ignore")
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
import mlflow.data  # noqa: E402
from mlflow.entities import DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, Metric  # noqa: E402

HERE = Path(__file__).resolve().parent
PLACE = "/srv/mlflow-made"  # exists nowhere: stores are moved before they are imported
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
    return {"churn": churn, "old ideas": old, "runs": runs, **fill_models(uri, client, churn, runs)}


def fill_models(uri, client, churn, runs):
    """Logged models of the run "first" and registered models of them, with aliases, stages, tags and a copy."""
    mlflow.set_tracking_uri(uri)  # MLflow's own stores look a version's logged model up there
    models = {}

    def logged(name, **more):
        made = client.create_logged_model(churn, name=name, source_run_id=runs["first"], **more)
        models[name] = made.model_id
        return made.model_id

    forest = logged("forest", tags={"mlflow.user": "ada", "kind": "süß 🐦"}, params={"depth": "7", "lr": "0.1"}, model_type="sklearn")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").mkdir()
        (Path(folder) / "MLmodel").write_text("flavors: {}\n")
        (Path(folder) / "data" / "weights ü.bin").write_bytes(bytes(range(128)))
        client.log_model_artifacts(forest, folder)
    client.finalize_logged_model(forest, "READY")
    for step, value in enumerate([0.7, 0.9, 0.8]):
        client.log_metric(runs["first"], "model_auc", value, T0 + step, step, model_id=forest)
    client.log_metric(runs["first"], "model_auc", 0.6, T0 + 9, 5, model_id=forest, dataset_name="customers", dataset_digest="d1")
    client.log_outputs(runs["first"], [LoggedModelOutput(forest, 3)])
    client.log_inputs(runs["child"], models=[LoggedModelInput(forest)])
    logged("pending")
    failed = logged("failed")
    client.finalize_logged_model(failed, "FAILED")
    client.delete_logged_model(logged("thrown away"))

    client.create_registered_model("leavers", tags={"team": "a", "größe": "1"}, description="who leaves")
    artifacts = client.get_run(runs["first"]).info.artifact_uri
    client.create_model_version("leavers", f"models:/{forest}", runs["first"], tags={"checked": "yes"}, description="of a logged model",
                                model_id=forest)
    client.create_model_version("leavers", f"{artifacts}/sub", runs["first"])
    client.create_model_version("leavers", "s3://bucket/model", run_link="http://127.0.0.1/run")
    client.create_model_version("leavers", "s3://bucket/other")
    client.delete_model_version("leavers", "3")
    client.set_registered_model_alias("leavers", "champion", "2")
    client.set_registered_model_alias("leavers", "old", "1")
    client.transition_model_version_stage("leavers", "1", "Archived")
    client.transition_model_version_stage("leavers", "2", "Production")
    client.create_registered_model("empty")
    client.copy_model_version("models:/leavers/1", "copies")
    return {"models": models}


def move_files(mlruns, folder):
    """A folder store says in PLACE where it was made in `folder`."""
    for meta in mlruns.rglob("meta.yaml"):
        meta.write_text(meta.read_text().replace(str(folder), PLACE))


def move_database(path, folder):
    """The same of a database."""
    database = sqlite3.connect(path)
    for table, in database.execute("select name from sqlite_master where type = 'table'").fetchall():
        for column in [row[1] for row in database.execute(f'pragma table_info("{table}")')]:
            database.execute(f'update "{table}" set "{column}" = replace("{column}", ?, ?) where instr("{column}", ?)', (str(folder), PLACE, str(folder)))
    database.commit()
    database.execute("vacuum")
    database.close()


def pack(folder, names, target):
    """A tar archive that depends on nothing but the files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name in names:
            archive.add(folder / name, name, filter=lambda info: info.replace(uid=0, gid=0, uname="", gname="", mtime=0, deep=False))
    with open(target, "wb") as out, gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as packed:
        packed.write(raw.getvalue())


class Asked:
    """Asks a server what `martlet runs import` asks, word for word, and keeps the answers by request."""

    def __init__(self, url):
        self.url, self.kept = url, {}

    def ask(self, method, path, question=None):
        body = json.dumps(question, separators=(",", ":")) if question else ""
        request = urllib.request.Request(self.url + path, data=body.encode() or None, method=method,
                                         headers={"content-type": "application/json"} if body else {})
        with urllib.request.urlopen(request) as response:
            content = response.read().decode()
        self.kept[f"{method} {path} {body}"] = {"status": response.status, "body": content}
        return content

    def files(self, run, folder=""):
        path = f"/api/2.0/mlflow/artifacts/list?run_id={run}" + (f"&path={quote(folder, safe='')}" if folder else "")
        for file in json.loads(self.ask("GET", path)).get("files", []):
            if file["is_dir"]:
                self.files(run, file["path"])
            else:
                self.ask("GET", f"/get-artifact?run_id={run}&path={quote(file['path'], safe='')}")

    def model_files(self, model, folder=""):
        path = f"/api/2.0/mlflow/logged-models/{model}/artifacts/directories" + (
            f"?artifact_directory_path={quote(folder, safe='')}" if folder else "")
        for file in json.loads(self.ask("GET", path)).get("files", []):
            if file["is_dir"]:
                self.model_files(model, file["path"])
            else:
                self.ask("GET", f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path={quote(file['path'], safe='')}")

    def all(self):
        api = "/api/2.0/mlflow"
        experiments = json.loads(self.ask("POST", f"{api}/experiments/search", {"max_results": 1000, "view_type": "ALL"}))
        for experiment in experiments["experiments"]:
            question = {"experiment_ids": [experiment["experiment_id"]], "run_view_type": "ALL", "max_results": 200,
                        "order_by": ["attributes.start_time ASC"]}
            for run in json.loads(self.ask("POST", f"{api}/runs/search", question)).get("runs", []):
                run_id = run["info"]["run_id"]
                self.ask("GET", f"{api}/runs/get?run_id={run_id}")
                for metric in run["data"].get("metrics", []):
                    self.ask("GET", f"{api}/metrics/get-history?run_id={run_id}&metric_key={quote(metric['key'], safe='')}&max_results=25000")
                self.files(run_id)
        for experiment in experiments["experiments"]:
            question = {"experiment_ids": [experiment["experiment_id"]], "max_results": 50}
            for model in json.loads(self.ask("POST", f"{api}/logged-models/search", question)).get("models", []):
                self.model_files(model["info"]["model_id"])
        for version in json.loads(self.ask("GET", f"{api}/model-versions/search?max_results=10000"))["model_versions"]:
            if version["source"].startswith("models:/") and not version["source"].startswith("models:/m-"):
                self.ask("GET", f"{api}/model-versions/get-download-uri?name={quote(version['name'], safe='')}&version={version['version']}")
        self.ask("GET", f"{api}/registered-models/search?max_results=100")
        return self.kept


def record(folder):
    port = 5969
    server = subprocess.Popen([Path(sys.executable).parent / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
                               "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/database/mlflow.db",
                               "--artifacts-destination", f"{folder}/database/mlruns"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").read()
                break
            except OSError:
                time.sleep(1)
        kept = Asked(f"http://127.0.0.1:{port}").all()
        text = json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False)
        (HERE / "server.json").write_text(text.replace(str(folder), PLACE) + "\n")
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
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
    record(folder)
    move_files(folder / "mlruns", folder)
    move_database(folder / "database" / "mlflow.db", folder)
    pack(folder, ["mlruns"], HERE / "files.tar.gz")
    pack(folder / "database", ["mlflow.db", "mlruns"], HERE / "database.tar.gz")
    shutil.rmtree(folder)


main()
