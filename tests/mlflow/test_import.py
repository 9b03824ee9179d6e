"""`runs import` of a file store that this MLflow wrote itself: its own client sees the same in both."""
import json
import os
import subprocess

import mlflow
import pytest
import tracking_server
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput, LoggedModelOutput, ViewType


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "1")
    uri = f"file://{tmp_path}/mlruns"
    before, registry_before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(uri)  # MLflow's store looks a version's logged model up there
    yield MlflowClient(uri, uri)
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri(registry_before)


def fill(client, folder):
    experiment = client.create_experiment("churn", tags={"team": "a"})
    run = client.create_run(experiment, run_name="trains").info.run_id
    reader = client.create_run(experiment, run_name="reads").info.run_id
    client.log_text(run, "hello", "plain/hello.txt")
    (folder / "model" / "data").mkdir(parents=True)
    (folder / "model" / "MLmodel").write_text("flavors: {}\n")
    (folder / "model" / "data" / "weights.bin").write_bytes(os.urandom(100_000))
    models = {}
    for name, status in [("forest", "READY"), ("broken", "FAILED"), ("goes on", None)]:
        made = client.create_logged_model(experiment, name=name, source_run_id=run, params={"depth": "7"}, tags={"of": name, "mlflow.user": "ada"},
                                          model_type="trees")
        models[name] = made.model_id
        client.log_model_artifacts(made.model_id, str(folder / "model"))
        if status:
            client.finalize_logged_model(made.model_id, status)
    for step in range(3):
        client.log_metric(run, "auc", 0.5 + step / 10, 1000 + step, step, model_id=models["forest"])
    client.log_outputs(run, [LoggedModelOutput(models["forest"], 2)])
    client.log_inputs(reader, models=[LoggedModelInput(models["forest"])])
    client.create_registered_model("churn", tags={"owner": "ann"}, description="who leaves")
    location = client.get_run(run).info.artifact_uri
    for source in (f"models:/{models['forest']}", f"{location}/plain", "s3://bucket/model", "https://example.org/model"):
        client.create_model_version("churn", source, run, tags={"s": source[:3]}, description=source)
    client.set_registered_model_alias("churn", "champion", "2")
    client.set_registered_model_alias("churn", "older", "1")
    client.transition_model_version_stage("churn", "1", "Staging")
    client.delete_model_version("churn", "3")
    client.copy_model_version("models:/churn/1", "copied")
    client.create_registered_model("empty")
    return {"trains": run, "reads": reader}, models


def model_of(client, model):
    made = client.get_logged_model(model)
    metrics = {(m.key, m.value, m.timestamp, m.step, m.run_id, m.dataset_name or None) for m in made.metrics or []}
    return (made.name, made.model_type, made.status, made.source_run_id, made.creation_timestamp, made.last_updated_timestamp, made.params, made.tags,
            metrics)


def registry_of(client):
    registered = {}
    for model in client.search_registered_models():
        registered[model.name] = (model.description or None, model.tags, model.creation_timestamp, model.last_updated_timestamp,
                                  {alias: int(version) for alias, version in model.aliases.items()})
    versions = {}
    for name in registered:
        for found in client.search_model_versions(f"name = '{name}'"):
            version = client.get_model_version(name, found.version)
            versions[name, int(version.version)] = (version.creation_timestamp, version.last_updated_timestamp, version.current_stage,
                                                    version.description or None, version.tags, version.run_id or None, version.status,
                                                    sorted(version.aliases))
    return registered, versions


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.filterwarnings("ignore")
def test_this_client_sees_the_same_of_what_it_wrote_and_of_what_was_imported(request, theirs, tmp_path):
    if request.config.getoption("--server") == "real":
        pytest.skip("martlet's import")
    runs, models = fill(theirs, tmp_path)
    command = [tracking_server.MARTLET, "runs", "import", str(tmp_path / "mlruns"), "--store", str(tmp_path / "store")]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    expected_models = {name: model_of(theirs, model) for name, model in models.items()}
    expected_registry = registry_of(theirs)
    with tracking_server.TrackingServer("martlet", tmp_path) as server:
        mlflow.set_tracking_uri(server.url)
        mlflow.set_registry_uri(server.url)
        ours = MlflowClient(server.url, server.url)
        assert {name: model_of(ours, model) for name, model in models.items()} == expected_models
        assert registry_of(ours) == expected_registry
        outputs = ours.get_run(runs["trains"]).outputs.model_outputs
        assert [(output.model_id, output.step) for output in outputs] == [(models["forest"], 2)]
        assert [one.model_id for one in ours.get_run(runs["reads"]).inputs.model_inputs] == [models["forest"]]
        assert {run.info.run_id for run in ours.search_runs([ours.get_experiment_by_name("churn").experiment_id], run_view_type=ViewType.ALL)} == set(runs.values())
        whole = files_below(tmp_path / "model")
        # By the version, by its alias's run artifacts, and by the copy.
        for uri, files in [("models:/churn/1", whole), ("models:/copied/1", whole), ("models:/churn@champion", {"hello.txt": b"hello"})]:
            target = tmp_path / "fetched" / uri.split("/", 1)[1].replace("/", "-")
            target.mkdir(parents=True)
            mlflow.artifacts.download_artifacts(uri, dst_path=str(target), tracking_uri=server.url)
            assert {name.split("plain/")[-1]: content for name, content in files_below(target).items()
                    if name != "registered_model_meta"} == files, uri
        # The next version goes on behind theirs, and a second import leaves it alone.
        assert int(ours.create_model_version("churn", "s3://bucket/next").version) == 5
    said = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    report = json.loads(said.stdout)
    assert report["model_versions"] == {"found": 4, "added": 0} and report["logged_models"]["added"] == 0
