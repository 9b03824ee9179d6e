"""Models that are logged, registered and loaded again, with equal predictions."""
import json

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import LoggedModelStatus

FRAME = pd.DataFrame({"x": [1.0, 2.5, -3.0], "y": [0.5, 0.25, 8.0]})


class Weighted(mlflow.pyfunc.PythonModel):
    """A model of a user's own: a weighted sum, whose weight is a parameter."""

    def __init__(self, weight):
        self.weight = weight

    def predict(self, context, model_input, params=None):
        return (model_input["x"] * self.weight + model_input["y"]).to_numpy()


def log(name="scorer", weight=2.0, **more):
    signature = mlflow.models.infer_signature(FRAME, np.array([1.0]))
    # No requirements: finding them out takes a process and half a minute, and says nothing of the server.
    return mlflow.pyfunc.log_model(name=name, python_model=Weighted(weight), signature=signature, pip_requirements=[], **more)


def predictions(uri):
    return mlflow.pyfunc.load_model(uri).predict(FRAME).tolist()


def expected(weight):
    return (FRAME.x * weight + FRAME.y).tolist()


def test_a_model_is_logged_and_loaded_by_every_name_it_has(client, experiment, unique):
    name = unique("scorer")
    with mlflow.start_run() as active:
        logged = log(registered_model_name=name, input_example=FRAME.head(1))
    client.set_registered_model_alias(name, "champion", 1)
    assert expected(2.0) == [2.5, 5.25, 2.0]
    for uri in (f"runs:/{active.info.run_id}/scorer", logged.model_uri, f"models:/{name}/1", f"models:/{name}@champion", f"models:/{name}/latest",
                f"models:/{logged.model_id}"):
        assert predictions(uri) == expected(2.0), uri
    assert mlflow.models.get_model_info(f"models:/{name}/1").signature.inputs.input_names() == ["x", "y"]


def test_an_alias_moves_to_the_next_version(client, experiment, unique):
    name = unique("scorer")
    with mlflow.start_run():
        for version, weight in ((1, 2.0), (2, -4.0)):
            log(weight=weight, registered_model_name=name)
            client.set_registered_model_alias(name, "champion", version)
            assert predictions(f"models:/{name}@champion") == expected(weight)
    assert predictions(f"models:/{name}/1") == expected(2.0)
    assert client.get_model_version_by_alias(name, "champion").version in ("2", 2)


def test_a_model_is_registered_behind_its_run(client, experiment, unique):
    name = unique("scorer")
    with mlflow.start_run() as active:
        log(weight=3.0)
    version = mlflow.register_model(f"runs:/{active.info.run_id}/scorer", name, tags={"kind": "test"})
    assert int(version.version) == 1 and version.status == "READY" and version.run_id == active.info.run_id
    assert client.get_model_version(name, 1).tags == {"kind": "test"}
    assert predictions(f"models:/{name}/1") == expected(3.0)


def test_a_logged_model_tells_where_it_comes_from(client, experiment, unique):
    name = unique("scorer")
    with mlflow.start_run() as active:
        logged = log(params={"weight": "2"}, tags={"kind": "sum"}, model_type="toy", registered_model_name=name)
        mlflow.log_metric("loss", 0.5, step=1, model_id=logged.model_id)
        mlflow.log_metrics({"auc": 0.75}, step=1, model_id=logged.model_id)
    model = client.get_logged_model(logged.model_id)
    assert model.status == LoggedModelStatus.READY and model.name == "scorer" and model.model_type == "toy"
    assert model.source_run_id == active.info.run_id and model.experiment_id == experiment
    assert model.params == {"weight": "2"} and model.tags["kind"] == "sum"
    assert {metric.key: metric.value for metric in model.metrics} == {"loss": 0.5, "auc": 0.75}
    assert model.last_updated_timestamp >= model.creation_timestamp > 1_600_000_000_000
    run = client.get_run(active.info.run_id)
    assert run.data.metrics == {"loss": 0.5, "auc": 0.75}
    assert [output.model_id for output in run.outputs.model_outputs] == [logged.model_id]
    assert client.get_model_version(name, 1).source == f"models:/{logged.model_id}"
    registrations = json.loads(client.get_logged_model(logged.model_id).tags["mlflow.modelVersions"])
    assert {(one["name"], int(one["version"])) for one in registrations} == {(name, 1)}


def test_logged_models_are_tagged_deleted_and_refused(client, experiment, refused):
    model = client.create_logged_model(experiment, name="bare", params={"a": "1"}, tags={"kept": "yes"})
    assert model.status == LoggedModelStatus.PENDING and model.model_id.startswith("m-")
    client.log_model_params(model.model_id, {"b": "2"})
    client.set_logged_model_tags(model.model_id, {"new": "tag", "gone": "soon"})
    client.delete_logged_model_tag(model.model_id, "gone")
    client.finalize_logged_model(model.model_id, "FAILED")
    again = client.get_logged_model(model.model_id)
    assert again.status == LoggedModelStatus.FAILED and again.params == {"a": "1", "b": "2"}
    assert again.tags == {"kept": "yes", "new": "tag"}
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_logged_model(experiment, name="a/b")
    client.delete_logged_model(model.model_id)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_logged_model(model.model_id)
    assert client.search_logged_models([experiment]) == []
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_logged_model("m-" + "0" * 32)


@pytest.fixture(scope="module")
def models(client, unique):
    """An experiment with six logged models: m0 to m5, with accuracy 0 to 0.5 (m5 none), depth 3 or 5, kind on the even ones."""
    experiment = client.create_experiment(unique("models"))
    run = client.create_run(experiment).info.run_id
    for number in range(6):
        model = client.create_logged_model(experiment, name=f"m{number}", source_run_id=run, model_type="tree" if number < 3 else "net",
                                           params={"depth": "3" if number < 4 else "5"}, tags={"kind": "even"} if number % 2 == 0 else {})
        if number < 5:
            client.log_metric(run, "accuracy", number / 10, step=number, model_id=model.model_id)
        if number == 2:
            client.finalize_logged_model(model.model_id, "READY")
    return experiment


@pytest.mark.parametrize("clause, expected", [
    (None, "m0 m1 m2 m3 m4 m5"),
    ("name = 'm3'", "m3"),
    ("attributes.name LIKE 'm%' AND metrics.accuracy >= 0.3", "m3 m4"),
    ("metrics.accuracy < 0.15", "m0 m1"),
    ("params.depth = '5'", "m4 m5"),
    ("params.depth != '5' and tags.kind = 'even'", "m0 m2"),
    ("tags.kind ILIKE 'EVEN'", "m0 m2 m4"),
    ("attributes.model_type = 'net'", "m3 m4 m5"),
    pytest.param("status = 'READY'", "m2", marks=pytest.mark.real_fails("compares the name with a number, and finds nothing")),
    ("model_type IN ('tree', 'other')", "m0 m1 m2"),
    ("creation_timestamp < 1000", ""),
])
def test_logged_models_are_searched(client, models, clause, expected):
    assert sorted(model.name for model in client.search_logged_models([models], filter_string=clause)) == expected.split()


def test_logged_models_are_ordered_and_paged(client, models):
    def walk(order_by):
        names, token = [], None
        while True:
            page = client.search_logged_models([models], order_by=order_by, max_results=2, page_token=token)
            names += [model.name for model in page]
            token = page.token
            if not token:
                return names

    assert walk([{"field_name": "metrics.accuracy", "ascending": False}]) == ["m4", "m3", "m2", "m1", "m0", "m5"]
    assert walk([{"field_name": "name", "ascending": True}]) == ["m0", "m1", "m2", "m3", "m4", "m5"]
    assert sorted(walk(None)) == ["m0", "m1", "m2", "m3", "m4", "m5"]


@pytest.mark.parametrize("clause", [
    "nothing.x = 1", "name > 'm'", "tags.kind =", pytest.param("metrics.accuracy = 'x'", marks=pytest.mark.real_fails("answers 500"))])
def test_a_filter_of_logged_models_that_means_nothing_is_refused(client, models, refused, clause):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_logged_models([models], filter_string=clause)
