"""Runs by the fluent interface and by MlflowClient: what is logged comes back, and what may not change is refused."""
import math

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag, ViewType


def names(runs):
    return sorted(run.info.run_name for run in runs)


def test_a_run_gives_back_what_was_logged(client, experiment):
    with mlflow.start_run(run_name="night", description="third try", tags={"team": "blue"}) as active:
        mlflow.log_param("depth", 7)
        mlflow.log_params({"rate": 0.1, "empty": ""})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"loss": 0.25, "auc": 0.75}, step=2)
        mlflow.set_tags({"kind": "test", "number": 3})
    run = client.get_run(active.info.run_id)
    assert run.data.params == {"depth": "7", "rate": "0.1", "empty": ""}
    assert run.data.metrics == {"loss": 0.25, "auc": 0.75}
    assert {"team": "blue", "kind": "test", "number": "3"}.items() <= run.data.tags.items()
    assert run.data.tags["mlflow.note.content"] == "third try" and run.data.tags["mlflow.runName"] == "night"
    assert run.info.status == "FINISHED" and run.info.run_name == "night" and run.info.experiment_id == experiment
    assert run.info.end_time >= run.info.start_time > 1_600_000_000_000
    assert run.info.lifecycle_stage == "active" and run.info.artifact_uri.endswith(f"/{active.info.run_id}/artifacts")
    assert [(point.step, point.value) for point in client.get_metric_history(active.info.run_id, "loss")] == [(1, 0.5), (2, 0.25)]


def test_a_run_without_a_name_gets_one(client, experiment):
    run = client.create_run(experiment)
    assert run.info.run_name and run.data.tags["mlflow.runName"] == run.info.run_name
    assert client.get_run(run.info.run_id).info.status == "RUNNING" and client.get_run(run.info.run_id).info.end_time is None


def test_nested_runs_know_their_parent(client, experiment):
    with mlflow.start_run(run_name="search") as parent:
        for depth in (3, 5):
            with mlflow.start_run(run_name=f"depth-{depth}", nested=True):
                mlflow.log_param("depth", depth)
                with mlflow.start_run(run_name=f"fold-{depth}", nested=True):
                    mlflow.log_metric("loss", depth)
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert names(children) == ["depth-3", "depth-5"]
    grandchild = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{children[0].info.run_id}'")
    assert len(grandchild) == 1 and mlflow.get_parent_run(grandchild[0].info.run_id).info.run_id == children[0].info.run_id


def test_an_exception_fails_the_run(client, experiment):
    with pytest.raises(ZeroDivisionError):
        with mlflow.start_run() as active:
            raise ZeroDivisionError
    assert client.get_run(active.info.run_id).info.status == "FAILED"


def test_a_finished_run_is_taken_up_again(client, experiment):
    with mlflow.start_run() as active:
        mlflow.log_metric("loss", 2, step=0)
    with mlflow.start_run(run_id=active.info.run_id):
        assert client.get_run(active.info.run_id).info.status == "RUNNING"
        mlflow.log_metric("loss", 1, step=1)
    run = client.get_run(active.info.run_id)
    assert run.info.status == "FINISHED" and run.data.metrics == {"loss": 1.0}


def test_a_param_never_changes(client, run, refused):
    client.log_param(run, "depth", 3)
    client.log_param(run, "depth", 3)
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_param(run, "depth", 4)
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_batch(run, params=[Param("depth", "5")])
    client.log_batch(run, params=[Param("depth", "3"), Param("rate", "0.5")])
    assert client.get_run(run).data.params == {"depth": "3", "rate": "0.5"}


def test_the_fluent_interface_tells_what_the_param_was(run, refused):
    with mlflow.start_run(run_id=run):
        mlflow.log_param("depth", 3)
        with refused("INVALID_PARAMETER_VALUE") as caught:
            mlflow.log_param("depth", 4)
    assert "depth" in str(caught.value) and "3" in str(caught.value) and "4" in str(caught.value)


def test_tags_are_overwritten_and_deleted(client, run, refused):
    client.set_tag(run, "stage", "raw")
    client.set_tag(run, "stage", "clean")
    client.log_batch(run, tags=[RunTag("stage", "final"), RunTag("other", "kept")])
    assert client.get_run(run).data.tags["stage"] == "final"
    client.delete_tag(run, "stage")
    tags = client.get_run(run).data.tags
    assert "stage" not in tags and tags["other"] == "kept"
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.delete_tag(run, "stage")


def test_a_run_is_renamed_by_update_and_by_tag(client, run):
    client.update_run(run, name="second")
    assert client.get_run(run).info.run_name == client.get_run(run).data.tags["mlflow.runName"] == "second"
    client.set_tag(run, "mlflow.runName", "third")
    assert client.get_run(run).info.run_name == client.get_run(run).data.tags["mlflow.runName"] == "third"


def test_a_run_takes_any_status(client, run):
    """Launchers of jobs set SCHEDULED on a run that exists; clients that resume set RUNNING on one that had ended."""
    for status in ("SCHEDULED", "RUNNING", "FINISHED", "RUNNING", "FAILED", "KILLED", "FINISHED"):
        client.update_run(run, status=status)
        assert client.get_run(run).info.status == status


def test_a_run_is_terminated_with_the_time_given(client, run):
    client.set_terminated(run, "KILLED", end_time=1_700_000_000_123)
    info = client.get_run(run).info
    assert info.status == "KILLED" and info.end_time == 1_700_000_000_123


def test_a_deleted_run_is_hidden_closed_and_restored(client, experiment, refused):
    kept, gone = (client.create_run(experiment, run_name=name).info.run_id for name in ("kept", "gone"))
    client.log_metric(gone, "loss", 1)
    client.delete_run(gone)
    assert names(client.search_runs([experiment])) == ["kept"]
    assert names(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == ["gone"]
    assert names(client.search_runs([experiment], run_view_type=ViewType.ALL)) == ["gone", "kept"]
    assert client.get_run(gone).info.lifecycle_stage == "deleted"
    for write in (lambda: client.log_metric(gone, "loss", 2), lambda: client.log_param(gone, "a", 1), lambda: client.set_tag(gone, "a", 1),
                  lambda: client.log_batch(gone, metrics=[Metric("loss", 2, 1, 1)]), lambda: client.update_run(gone, status="FINISHED")):
        with refused("INVALID_PARAMETER_VALUE"):
            write()
    client.restore_run(gone)
    assert names(client.search_runs([experiment])) == ["gone", "kept"]
    client.log_metric(gone, "loss", 2, step=1)
    assert client.get_run(gone).data.metrics == {"loss": 2.0}


def test_a_deleted_experiment_takes_its_runs_along_and_brings_them_back(client, unique, refused):
    name = unique("deleted")
    experiment = client.create_experiment(name, tags={"team": "blue"})
    client.create_run(experiment, run_name="one")
    client.create_run(experiment, run_name="two")
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    assert client.search_runs([experiment]) == []
    assert names(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == ["one", "two"]
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_experiment(name)
    with refused("INVALID_PARAMETER_VALUE"):
        mlflow.set_experiment(name)
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_run(experiment)
    client.restore_experiment(experiment)
    assert names(client.search_runs([experiment])) == ["one", "two"]
    back = client.get_experiment_by_name(name)
    assert back.experiment_id == experiment and back.lifecycle_stage == "active" and back.tags["team"] == "blue"


def test_an_experiment_is_found_renamed_and_tagged(client, unique, refused):
    name, other = unique("first"), unique("second")
    experiment = client.create_experiment(name)
    client.rename_experiment(experiment, other)
    client.set_experiment_tag(experiment, "mlflow.note.content", "what it is for")
    found = client.get_experiment_by_name(other)
    assert found.experiment_id == experiment and found.tags["mlflow.note.content"] == "what it is for"
    assert found.last_update_time >= found.creation_time > 1_600_000_000_000
    assert client.get_experiment_by_name(name) is None
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_experiment("999999999")
    assert client.get_experiment("0").name == "Default"


def test_nan_and_infinities_survive(client, run):
    for step, value in enumerate((1.5, math.nan, math.inf, -math.inf)):
        client.log_metric(run, "loss", value, step=step, timestamp=1000 + step)
    client.log_batch(run, metrics=[Metric("nan", math.nan, 1, 0), Metric("up", math.inf, 1, 0), Metric("down", -math.inf, 1, 0)])
    values = [point.value for point in client.get_metric_history(run, "loss")]
    # A SQL store of the real server keeps infinities as the greatest finite numbers; either is fine, one sign for the other is not.
    assert values[0] == 1.5 and math.isnan(values[1]) and values[2] >= 1.79e308 and values[3] <= -1.79e308
    latest = client.get_run(run).data.metrics
    assert math.isnan(latest["nan"]) and latest["up"] >= 1.79e308 and latest["down"] <= -1.79e308


def test_steps_may_be_negative(client, run):
    for step in (-5, -1, -3, -(2**60)):
        client.log_metric(run, "loss", step, step=step, timestamp=1000)
    assert [point.step for point in client.get_metric_history(run, "loss")] == [-(2**60), -5, -3, -1]
    assert client.get_run(run).data.metrics == {"loss": -1.0}


@pytest.mark.parametrize("points, latest", [
    ([(1, 1000, 5.0), (3, 500, 1.0), (2, 2000, 9.0)], 1.0),
    ([(1, 2000, 5.0), (1, 1000, 9.0)], 5.0),
    ([(1, 1000, 5.0), (1, 1000, 9.0), (1, 1000, 7.0)], 9.0),
])
def test_the_latest_value_is_that_of_the_greatest_step_then_time_then_value(client, run, points, latest):
    for step, timestamp, value in points:
        client.log_metric(run, "loss", value, timestamp=timestamp, step=step)
    assert client.get_run(run).data.metrics == {"loss": latest}
    assert len(client.get_metric_history(run, "loss")) == len(points)


@pytest.mark.parametrize("key", ["точность/проверка", "größe", "标签", "with blank", "a.b-c_d", "deep/er/path", "x" * 250])
def test_keys_may_be_of_any_script(client, experiment, run, key):
    client.log_metric(run, key, 0.5)
    client.log_param(run, key, "värde")
    client.set_tag(run, key, "値")
    data = client.get_run(run).data
    assert data.metrics == {key: 0.5} and data.params == {key: "värde"} and data.tags[key] == "値"
    assert [point.value for point in client.get_metric_history(run, key)] == [0.5]
    for clause in (f"metrics.`{key}` = 0.5", f"params.`{key}` = 'värde'", f"tags.`{key}` = '値'"):
        assert [found.info.run_id for found in client.search_runs([experiment], clause)] == [run], clause


@pytest.mark.parametrize("key", ["../up", "/root", "a//b", "a/../b", "what?", "x" * 251, ""])
def test_bad_keys_are_refused(client, run, refused, key):
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_metric(run, key, 0.5)
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_param(run, key, "1")
    assert client.get_run(run).data.metrics == {} and client.get_run(run).data.params == {}


def test_long_values_are_cut_as_the_client_expects(client, run):
    client.log_param(run, "long", "p" * 7000)
    client.set_tag(run, "long", "t" * 9000)
    data = client.get_run(run).data
    assert data.params["long"] == "p" * 6000 and data.tags["long"] == "t" * 8000


def test_a_batch_of_the_greatest_size_passes(client, run):
    metrics = [Metric(f"m{number % 10}", number * 0.5, 1000, number) for number in range(800)]
    params = [Param(f"p{number}", str(number)) for number in range(100)]
    tags = [RunTag(f"t{number}", str(number)) for number in range(100)]
    client.log_batch(run, metrics, params, tags)
    data = client.get_run(run).data
    assert len(data.metrics) == 10 and len(data.params) == 100 and data.metrics["m9"] == 799 * 0.5
    assert {f"t{number}" for number in range(100)} <= data.tags.keys()
