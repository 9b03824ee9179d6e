"""What is answered has the fields that the real server's answers have, of the same types: what clients in other languages read.

answers-3.17.2.json was written by the real server: `tests/mlflow/run --client 3.17 --server real --record -k test_answers`. martlet may
add fields and leave out empty ones; values are not compared. Workspaces are not built here, so nothing names one.
"""
import json
from pathlib import Path

import pytest
from placeholders import Known, filled

pytestmark = pytest.mark.any_client
RECORDED = Path(__file__).with_name("answers-3.17.2.json")
RUN, MODEL, LOGGED = "{full_run}", "{full_model}", "{full_logged_model}"
ROWS = [
    ("create an experiment", "POST", "experiments/create", {"name": "{fresh}"}),
    ("get an experiment", "GET", "experiments/get?experiment_id={experiment}", None),
    ("get a deleted experiment", "GET", "experiments/get?experiment_id={deleted_experiment}", None),
    ("search experiments", "POST", "experiments/search", {"max_results": 1}),
    ("tag an experiment", "POST", "experiments/set-experiment-tag", {"experiment_id": "{experiment}", "key": "a", "value": "b"}),
    ("create a run", "POST", "runs/create", {"experiment_id": "{experiment}", "start_time": 1000, "user_id": "somebody", "run_name": "one",
                                            "tags": [{"key": "a", "value": "b"}]}),
    ("get a run", "GET", f"runs/get?run_id={RUN}", None),
    ("update a run", "POST", "runs/update", {"run_id": "{run}", "status": "FINISHED", "end_time": 2000}),
    ("search runs", "POST", "runs/search", {"experiment_ids": ["{experiment}"], "filter": f"run_id = '{RUN}'"}),
    ("search runs, a page", "POST", "runs/search", {"experiment_ids": ["{experiment}"], "max_results": 1}),
    ("log a metric", "POST", "runs/log-metric", {"run_id": RUN, "key": "k", "value": 1, "timestamp": 1}),
    ("log a batch", "POST", "runs/log-batch", {"run_id": RUN, "metrics": [{"key": "k", "value": 2, "timestamp": 1, "step": 2}]}),
    ("history", "GET", f"metrics/get-history?run_id={RUN}&metric_key=loss", None),
    ("history, a page", "GET", f"metrics/get-history?run_id={RUN}&metric_key=loss&max_results=1", None),
    ("list artifacts", "GET", f"artifacts/list?run_id={RUN}", None),
    ("list artifacts of a folder", "GET", f"artifacts/list?run_id={RUN}&path=notes", None),
    ("list artifacts by proxy", "GET", "/api/2.0/mlflow-artifacts/artifacts?path={experiment}/" + RUN + "/artifacts", None),
    ("create a model", "POST", "registered-models/create", {"name": "{fresh}", "tags": [{"key": "a", "value": "b"}], "description": "d"}),
    ("create a version", "POST", "model-versions/create", {"name": MODEL, "source": "runs:/" + RUN + "/notes", "run_id": RUN,
                                                               "tags": [{"key": "a", "value": "b"}]}),
    ("get a model", "GET", f"registered-models/get?name={MODEL}", None),
    ("search models", "GET", f"registered-models/search?filter=name%20%3D%20'{MODEL}'", None),
    ("search models, a page", "GET", "registered-models/search?max_results=1&order_by=name%20DESC", None),
    ("describe a model", "PATCH", "registered-models/update", {"name": MODEL, "description": "more of it"}),
    ("latest versions", "POST", "registered-models/get-latest-versions", {"name": MODEL}),
    ("get an alias", "GET", f"registered-models/alias?name={MODEL}&alias=champion", None),
    ("get a version", "GET", f"model-versions/get?name={MODEL}&version=2", None),
    ("search versions", "GET", f"model-versions/search?filter=name%20%3D%20'{MODEL}'", None),
    ("search versions, a page", "GET", f"model-versions/search?filter=name%20%3D%20'{MODEL}'&max_results=1", None),
    ("describe a version", "PATCH", "model-versions/update", {"name": MODEL, "version": "1", "description": "more of it"}),
    ("move a version to a stage", "POST", "model-versions/transition-stage", {"name": MODEL, "version": "1", "stage": "Staging", "archive_existing_versions": False}),
    ("place of a version", "GET", f"model-versions/get-download-uri?name={MODEL}&version=1", None),
    ("create a logged model", "POST", "logged-models", {"experiment_id": "{experiment}", "name": "one", "params": [{"key": "a", "value": "b"}]}),
    ("get a logged model", "GET", f"logged-models/{LOGGED}", None),
    ("search logged models", "POST", "logged-models/search", {"experiment_ids": ["{experiment}"], "filter": "name = 'full'"}),
    ("tag a logged model", "PATCH", f"logged-models/{LOGGED}/tags", {"model_id": LOGGED, "tags": [{"key": "c", "value": "d"}]}),
    ("list artifacts of a logged model", "GET", f"logged-models/{LOGGED}/artifacts/directories", None),
]


def shape(value):
    """Fields by name with the names of their types; a list is what its items have together."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items() if item != "" and name != "workspace"}
    if isinstance(value, list):
        together = {}
        for item in value:
            if not isinstance(item, dict):
                return [type(item).__name__]
            together.update(shape(item))
        return [together]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def lacks(expected, got, place="answer"):
    """What of the expected shape is not there."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return [f"{place} is no object"]
        return [lack for name, inner in expected.items() for lack in
                (lacks(inner, got[name], f"{place}.{name}") if name in got else [] if inner in ({}, [], [{}]) else [f"{place}.{name} is missing"])]
    if isinstance(expected, list):
        return lacks(expected[0], got[0], place + "[]") if expected and isinstance(got, list) and got else [] if got else [f"{place} is empty"]
    return [] if expected == got else [f"{place} is {got}, not {expected}"]


@pytest.fixture(scope="module")
def known(client, unique):
    made = Known(client, unique)
    # All there is before the first question, so that rows see the same whichever run.
    return made if made["{full_run}"] else None


@pytest.fixture(scope="module")
def recorded(request):
    if not request.config.getoption("--record"):
        return json.loads(RECORDED.read_text())["answers"]
    answers = {}
    request.addfinalizer(lambda: RECORDED.write_text(json.dumps({"server": "mlflow 3.17.2", "answers": answers}, indent=1) + "\n"))
    return answers


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_an_answer_has_the_fields_of_the_real_one(http, known, recorded, request, row):
    name, method, path, body = row
    answer = http(method, filled(path, known), filled(body, known))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    got = shape(answer.json())
    if request.config.getoption("--record"):
        recorded[name] = got
    assert lacks(recorded[name], got) == [], answer.text[:2000]
