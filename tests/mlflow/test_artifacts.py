"""Files of runs, and the data sets that runs name."""
import hashlib
import json
import os
import random

import mlflow
import numpy as np
import pandas as pd
import pytest


def paths(client, run, folder=None):
    # The client tells an empty file's size as None when the server leaves out the 0.
    return [(file.path, file.is_dir, None if file.is_dir else file.file_size or 0) for file in client.list_artifacts(run, folder)]


def test_texts_dictionaries_and_files_come_back(client, run, tmp_path):
    client.log_text(run, "héllo\n", "notes/hello.txt")
    client.log_dict(run, {"a": [1, 2, {"b": None}]}, "notes/deep/config.json")
    client.log_dict(run, {"rate": 0.5}, "config.yaml")
    (tmp_path / "empty.bin").touch()
    client.log_artifact(run, tmp_path / "empty.bin")
    assert paths(client, run) == [("config.yaml", False, 10), ("empty.bin", False, 0), ("notes", True, None)]
    assert paths(client, run, "notes") == [("notes/deep", True, None), ("notes/hello.txt", False, 7)]
    uri = client.get_run(run).info.artifact_uri
    assert mlflow.artifacts.load_text(uri + "/notes/hello.txt") == "héllo\n"
    assert mlflow.artifacts.load_dict(uri + "/notes/deep/config.json") == {"a": [1, 2, {"b": None}]}
    assert os.path.getsize(client.download_artifacts(run, "empty.bin", tmp_path)) == 0


def test_a_tree_goes_up_and_comes_down_the_same(client, run, tmp_path):
    tree = {"a.txt": b"one", "sub/b.bin": bytes(range(256)), "sub/deeper/with blank.txt": b"two", "sub/ünï-标.txt": b"three",
            "sub/100%.csv": b"four", "sub/a+b&c=d.txt": b"five", "sub/.hidden": b"six"}
    for name, content in tree.items():
        (tmp_path / "up" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "up" / name).write_bytes(content)
    client.log_artifacts(run, tmp_path / "up", "tree")
    (tmp_path / "down").mkdir()
    got = client.download_artifacts(run, "tree", tmp_path / "down")
    assert {os.path.relpath(os.path.join(folder, name), got): open(os.path.join(folder, name), "rb").read()
            for folder, _, names in os.walk(got) for name in names} == tree
    assert [path for path, is_dir, _ in paths(client, run, "tree/sub") if is_dir] == ["tree/sub/deeper"]


def test_40_megabytes_go_up_and_come_down_the_same(client, run, tmp_path):
    content = random.Random(40).randbytes(40 << 20)
    (tmp_path / "big.bin").write_bytes(content)
    client.log_artifact(run, tmp_path / "big.bin", "weights")
    assert paths(client, run, "weights") == [("weights/big.bin", False, 40 << 20)]
    (tmp_path / "down").mkdir()
    got = client.download_artifacts(run, "weights/big.bin", tmp_path / "down")
    with open(got, "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == hashlib.sha256(content).hexdigest()


def test_a_file_is_replaced_by_the_next_of_its_name(client, run):
    client.log_text(run, "old and long", "state.txt")
    client.log_text(run, "new", "state.txt")
    assert mlflow.artifacts.load_text(client.get_run(run).info.artifact_uri + "/state.txt") == "new"
    assert paths(client, run) == [("state.txt", False, 3)]


def test_equal_files_of_two_runs_stay_apart(client, experiment):
    first, second = (client.create_run(experiment).info.run_id for _ in range(2))
    client.log_text(first, "same", "a.txt")
    client.log_text(second, "same", "b.txt")
    assert paths(client, first) == [("a.txt", False, 4)] and paths(client, second) == [("b.txt", False, 4)]


def test_what_is_not_there_is_refused(client, run, tmp_path):
    assert paths(client, run) == [] and paths(client, run, "nothing") == []
    with pytest.raises(Exception, match="(?i)not found|no such|404|does not exist|failed to download"):
        client.download_artifacts(run, "nothing.txt", tmp_path)


def test_figures_are_logged(client, run):
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="this client's environment has no matplotlib")
    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3])
    client.log_figure(run, figure, "plots/loss.png")
    pyplot.close(figure)
    client.log_image(run, np.zeros((8, 8, 3), dtype=np.uint8), "plots/black.png")
    assert [path for path, _, size in paths(client, run, "plots") if size > 50] == ["plots/black.png", "plots/loss.png"]
    got = client.download_artifacts(run, "plots/loss.png")
    with open(got, "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_tables_are_appended(client, run):
    client.log_table(run, pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), "answers.json")
    client.log_table(run, {"x": [3], "y": ["c"]}, "answers.json")
    table = client.load_table(client.get_run(run).info.experiment_id, "answers.json", [run])
    assert table.x.tolist() == [1, 2, 3] and table.y.tolist() == ["a", "b", "c"]


def test_files_of_a_deleted_run_come_back_with_it(client, run):
    client.log_text(run, "kept", "a.txt")
    client.delete_run(run)
    client.restore_run(run)
    assert mlflow.artifacts.load_text(client.get_run(run).info.artifact_uri + "/a.txt") == "kept"


def test_data_sets_are_logged_with_their_context(client, experiment):
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [0, 1, 0]})
    training = mlflow.data.from_pandas(frame, source="orders.csv", name="orders", targets="y")
    held_out = mlflow.data.from_numpy(np.arange(12.0).reshape(4, 3), source="held.npy", name="held-out")
    with mlflow.start_run() as active:
        mlflow.log_input(training, context="training")
        mlflow.log_input(held_out, context="test", tags={"season": "autumn"})
        mlflow.log_input(training, context="training")
    inputs = client.get_run(active.info.run_id).inputs.dataset_inputs
    assert len(inputs) == 2
    known = {one.dataset.name: one for one in inputs}
    tags = {name: {tag.key: tag.value for tag in one.tags} for name, one in known.items()}
    assert tags["orders"] == {"mlflow.data.context": "training"}
    assert tags["held-out"] == {"mlflow.data.context": "test", "season": "autumn"}
    assert known["orders"].dataset.digest == training.digest and known["orders"].dataset.source_type == "local"
    assert json.loads(known["orders"].dataset.source) == {"uri": "orders.csv"}
    assert json.loads(known["orders"].dataset.profile) == {"num_rows": 3, "num_elements": 6}
    assert [column["name"] for column in json.loads(known["orders"].dataset.schema)["mlflow_colspec"]] == ["x", "y"]
    found = client.search_runs([experiment], "datasets.name = 'held-out' and datasets.context = 'test'")
    assert [run.info.run_id for run in found] == [active.info.run_id]
    assert mlflow.data.get_source(known["orders"]).uri == "orders.csv"


def test_a_metric_may_name_its_data_set(client, experiment):
    data = mlflow.data.from_pandas(pd.DataFrame({"x": [1.0]}), source="a.csv", name="orders")
    with mlflow.start_run() as active:
        mlflow.log_metric("loss", 0.5, step=3, dataset=data)
    point, = client.get_metric_history(active.info.run_id, "loss")
    assert (point.step, point.value) == (3, 0.5)
    assert client.get_run(active.info.run_id).data.metrics == {"loss": 0.5}
