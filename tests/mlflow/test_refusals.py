"""Every bad request is refused as the real server refuses it: same status, same error_code.

refusals-3.17.2.json was written by the real server: `tests/mlflow/run --client 3.17 --server real --record -k refus`. Where that one
answers 5xx to a caller's mistake (its client would try again for minutes), martlet must say 4xx; where it answers without JSON,
or passes on as BAD_REQUEST what its database said, martlet may name a better code; and what it takes although it means nothing
(TAKEN_BY_THE_REAL_ONE), martlet may refuse.
"""
import json
from pathlib import Path

import pytest
import refusals
from placeholders import Known, filled

pytestmark = pytest.mark.any_client
RECORDED = Path(__file__).with_name("refusals-3.17.2.json")

TAKEN_BY_THE_REAL_ONE = {
    "experiment with artifacts up the tree", "run whose tags are no records", "run with a tag without a key",
    "update a run to a status that is none", "metric whose value is true", "metric at half a step", "metric at a step beyond 64 bits",
    "history of a word's points", "batch with a metric whose value is a word", "search experiments of a view that is none",
    "search runs of a view that is none", "inputs with a data set without a name", "inputs with a data set without a digest",
    "inputs with no data set in one", "proxy: put with a backslash", "finish a logged model as something else",
    "search no models",
}


@pytest.fixture(scope="module")
def known(client, unique):
    return Known(client, unique)


@pytest.fixture(scope="module")
def recorded(request):
    if not request.config.getoption("--record"):
        return json.loads(RECORDED.read_text())["answers"]
    answers = {}
    request.addfinalizer(lambda: RECORDED.write_text(json.dumps({"server": "mlflow 3.17.2", "answers": answers}, indent=1) + "\n"))
    return answers


def ask(http, row, known):
    _, method, path, body = row
    if isinstance(body, bytes):
        return http(method, filled(path, known), data=body, headers={"Content-Type": "application/json"})
    return http(method, filled(path, known), filled(body, known))


def code_of(answer):
    try:
        return answer.json().get("error_code")
    except (ValueError, AttributeError):
        return None


@pytest.mark.parametrize("row", refusals.ROWS, ids=[row[0] for row in refusals.ROWS])
def test_a_bad_request_is_refused_alike(http, known, recorded, request, row):
    answer = ask(http, row, known)
    got = {"status": answer.status_code, "error_code": code_of(answer)}
    if request.config.getoption("--record"):
        recorded[row[0]] = got
        return
    expected = recorded[row[0]]
    refused_well = 400 <= got["status"] < 500 and bool(got["error_code"])
    if request.config.getoption("--server") == "martlet" and expected["status"] >= 500:
        assert refused_well, f"{got}: {answer.text[:500]}"
    elif request.config.getoption("--server") == "martlet" and row[0] in TAKEN_BY_THE_REAL_ONE:
        assert refused_well or got["status"] == 200, f"{got}: {answer.text[:500]}"
    elif expected["status"] >= 400 and expected["error_code"] in (None, "BAD_REQUEST"):
        assert got["status"] == expected["status"], answer.text[:500]
    else:
        assert got == expected, answer.text[:500]
    if got["status"] >= 400 and got["error_code"]:
        assert len(answer.json()["message"]) > 10, "a refusal must say what to do"


def test_a_refused_request_changes_nothing(client, known):
    """Runs behind the rows: what they asked of the deleted run and of the param has left no trace."""
    assert client.get_run(known["{deleted_run}"]).data.metrics == {} and client.get_run(known["{deleted_run}"]).data.params == {}
    assert client.get_run(known["{run}"]).data.params["depth"] == "3"
    assert client.get_registered_model(known["{model}"]).aliases == {}


def test_names_of_rows_differ():
    names = [row[0] for row in refusals.ROWS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("prefix", [
    "/ajax-api/2.0/mlflow/", pytest.param("/api/2.0/preview/mlflow/", marks=pytest.mark.real_fails("no longer knows it"))])
def test_the_other_prefixes_serve_the_same(http, known, prefix):
    answer = http("GET", prefix + "runs/get?run_id=" + known["{run}"])
    assert answer.status_code == 200 and answer.json()["run"]["info"]["run_id"] == known["{run}"]
    answer = http("GET", prefix + "runs/get?run_id=" + refusals.NO_RUN)
    assert answer.status_code == 404 and answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_what_stands_outside_of_the_calls(http):
    assert http("GET", "/health").text == "OK"
    version = http("GET", "/version")
    assert version.status_code == 200 and version.text.strip().split(".")[0] == "3"
    info = http("GET", "/api/3.0/mlflow/server-info")
    assert info.status_code == 200 and isinstance(info.json(), dict)


def test_numbers_are_numbers_and_what_is_unset_is_left_out(http, known, client):
    run_id = client.create_run(known["{experiment}"]).info.run_id
    client.log_param(run_id, "depth", 3)
    run = http("GET", "runs/get?run_id=" + run_id).json()["run"]
    assert isinstance(run["info"]["start_time"], int) and "end_time" not in run["info"]
    assert run["info"]["run_uuid"] == run["info"]["run_id"] and "metrics" not in run["data"]
    assert run["data"]["params"] == [{"key": "depth", "value": "3"}]
    found = http("POST", "runs/search", {"experiment_ids": [known["{experiment}"]], "filter": "metrics.none = 1"}).json()
    assert "next_page_token" not in found and "runs" not in found
    assert http("POST", "runs/set-tag", {"run_id": known["{run}"], "key": "a", "value": "b"}).json() == {}


@pytest.mark.parametrize("body", [
    {"run_uuid": "{run}", "key": "alias", "value": 1, "timestamp": 1},
    {"run_id": "{run}", "key": "strings", "value": 1, "timestamp": "1700000000001", "step": "7"},
    {"run_id": "{run}", "key": "unknown", "value": 1, "timestamp": 1, "nobody": {"knows": ["this"]}},
    {"run_id": "{run}", "key": "nan", "value": "NaN", "timestamp": 1},
    {"run_id": "{run}", "key": "null", "value": 1, "timestamp": 1, "step": None},
])
def test_a_metric_may_be_spelt_in_these_ways(http, known, body):
    answer = http("POST", "runs/log-metric", filled(body, known))
    assert answer.status_code == 200, answer.text
    points = http("GET", f"metrics/get-history?run_id={known['{run}']}&metric_key={body['key']}").json()["metrics"]
    assert len(points) == 1 and points[0]["timestamp"] == int(body["timestamp"]) and points[0].get("step", 0) == int(body.get("step") or 0)
