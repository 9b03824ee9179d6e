"""Autologging of the three libraries: what it promises is there, and the model it logged predicts what the fitted one does."""
import mlflow
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="this client's environment has no libraries that log by themselves (3.17's has)")


@pytest.fixture(scope="module")
def flowers():
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split
    rows, answers = load_breast_cancer(return_X_y=True, as_frame=True)
    return train_test_split(rows.iloc[:, :6], answers, random_state=1)


@pytest.fixture(autouse=True)
def quiet():
    yield
    for flavour in (mlflow.sklearn, mlflow.lightgbm, mlflow.xgboost):
        flavour.autolog(disable=True)


@pytest.fixture(autouse=True)
def no_search_for_requirements(monkeypatch):
    """Finding a model's requirements out starts Python once more for each, which takes long and asks nothing of the server."""
    monkeypatch.setenv("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")


def only_run(client, experiment):
    run, = client.search_runs([experiment])
    assert run.info.status == "FINISHED"
    return run


def loaded(run, load):
    output, = run.outputs.model_outputs
    return load(f"models:/{output.model_id}")


def test_scikit_learn(client, experiment, flowers):
    from sklearn.linear_model import LogisticRegression
    train, test, truth, held_out = flowers
    mlflow.sklearn.autolog()
    model = LogisticRegression(C=0.25, max_iter=500).fit(train, truth)
    model.score(test, held_out)
    run = only_run(client, experiment)
    assert run.data.params["C"] == "0.25" and run.data.params["max_iter"] == "500"
    assert run.data.metrics["training_accuracy_score"] == pytest.approx(model.score(train, truth))
    assert run.data.metrics["LogisticRegression_score_test"] == pytest.approx(model.score(test, held_out))
    assert run.data.tags["estimator_name"] == "LogisticRegression"
    assert [one.dataset.source_type for one in run.inputs.dataset_inputs] and {
        tag.value for one in run.inputs.dataset_inputs for tag in one.tags if tag.key == "mlflow.data.context"} >= {"train"}
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"estimator.html", "training_confusion_matrix.png"} <= files
    again = loaded(run, mlflow.sklearn.load_model)
    assert np.array_equal(again.predict_proba(test), model.predict_proba(test))


def test_scikit_learn_search_makes_child_runs(client, experiment, flowers):
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier
    train, _, truth, _ = flowers
    mlflow.sklearn.autolog(log_models=False, max_tuning_runs=3)
    GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=3).fit(train, truth)
    runs = client.search_runs([experiment])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(parents) == 1 and sorted(run.data.params["max_depth"] for run in children) == ["1", "2", "3"]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[0].info.run_id}
    best = max(children, key=lambda run: run.data.metrics["mean_test_score"])
    assert parents[0].data.metrics["best_cv_score"] == pytest.approx(best.data.metrics["mean_test_score"])


def test_lightgbm(client, experiment, flowers):
    lightgbm = pytest.importorskip("lightgbm")
    train, test, truth, held_out = flowers
    mlflow.lightgbm.autolog()
    seen = {}
    data = lightgbm.Dataset(train, truth)
    booster = lightgbm.train({"objective": "binary", "metric": "binary_logloss", "num_leaves": 7, "verbose": -1, "num_threads": 1}, data, 15,
                             valid_sets=[data, lightgbm.Dataset(test, held_out, reference=data)], valid_names=["train", "valid"],
                             callbacks=[lightgbm.record_evaluation(seen)])
    run = only_run(client, experiment)
    assert run.data.params["num_leaves"] == "7" and run.data.params["num_boost_round"] == "15"
    for name in ("train", "valid"):
        history = client.get_metric_history(run.info.run_id, f"{name}-binary_logloss")
        assert [point.step for point in history] == list(range(15))
        assert [point.value for point in history] == seen[name]["binary_logloss"]
    assert {"feature_importance_split.png", "feature_importance_gain.json"} <= {file.path for file in client.list_artifacts(run.info.run_id)}
    assert np.array_equal(loaded(run, mlflow.lightgbm.load_model).predict(test), booster.predict(test))


def test_xgboost(client, experiment, flowers):
    xgboost = pytest.importorskip("xgboost")
    train, test, truth, held_out = flowers
    mlflow.xgboost.autolog(model_format="json")
    seen = {}
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, xgboost.DMatrix(train, truth), 12,
                            evals=[(xgboost.DMatrix(test, held_out), "valid")], evals_result=seen, verbose_eval=False)
    run = only_run(client, experiment)
    assert run.data.params["max_depth"] == "3" and run.data.params["num_boost_round"] == "12"
    history = client.get_metric_history(run.info.run_id, "valid-logloss")
    assert [point.value for point in history] == seen["valid"]["logloss"] and len(history) == 12
    again = loaded(run, mlflow.xgboost.load_model)
    assert np.array_equal(again.predict(xgboost.DMatrix(test)), booster.predict(xgboost.DMatrix(test)))
