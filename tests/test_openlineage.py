"""OpenLineage events of a run, held against the published schemas and against the classes that OpenLineage generates from them."""
import copy
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import typing

import attr
import lineage_schema
import orders
import pytest
import requests
import server_process
from program import PROGRAM, SUCCESS, WORK_FAILED, environment, martlet

event_v2 = pytest.importorskip("openlineage.client.event_v2", reason="openlineage-python isn't in the tests' environment")
from openlineage.client import facet_v2  # noqa: E402

RUN_FACETS = {"parent": facet_v2.parent_run.ParentRunFacet, "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
              "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet}
JOB_FACETS = {"jobType": facet_v2.job_type_job.JobTypeJobFacet, "sourceCode": facet_v2.source_code_job.SourceCodeJobFacet}
DATASET_FACETS = {"schema": facet_v2.schema_dataset.SchemaDatasetFacet, "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet}
INPUT_FACETS = {"dataQualityMetrics": facet_v2.data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet}
OUTPUT_FACETS = {"outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet}
OWN = {"martlet_run"}


def is_of(value, kind):
    """Whether a JSON value is of an annotated type, all the way down."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if arguments and type(None) in arguments:
        return value is None or any(is_of(value, one) for one in arguments if one is not type(None))
    if origin is list:
        return isinstance(value, list) and all(is_of(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(key, str) and is_of(item, arguments[1]) for key, item in value.items())
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if attr.has(kind):
        build(kind, value)
        return True
    return isinstance(value, kind)


def build(kind, value):
    """The generated class from a JSON object: nothing unknown, nothing missing, nothing of another type."""
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in attr.fields(kind)}
    assert set(value) <= set(fields), f"{kind.__name__} has no {set(value) - set(fields)}"
    for name, item in value.items():
        assert is_of(item, hints[name]), f"{kind.__name__}.{name}: {item!r} is no {hints[name]}"
    return kind(**{fields[name].alias: item for name, item in value.items() if fields[name].init})


def check_facets(facets, known):
    for name, facet in facets.items():
        assert facet["_producer"] and facet["_schemaURL"]
        if name in OWN:
            continue
        kind = known[name]
        assert facet["_schemaURL"] == kind._get_schema()
        build(kind, {key: item for key, item in facet.items() if key not in ("_producer", "_schemaURL")})


def check_event(event):
    assert lineage_schema.problems(event) == []
    assert set(event) == {"eventType", "eventTime", "run", "job", "inputs", "outputs", "producer", "schemaURL"}
    assert event["schemaURL"] == event_v2.RunEvent._get_schema()
    assert event["eventType"] in {kind.name for kind in event_v2.RunState}
    # Their own checks of times, ids and addresses.
    event_v2.RunEvent(eventTime=event["eventTime"], producer=event["producer"], run=event_v2.Run(event["run"]["runId"]),
                      job=event_v2.Job(event["job"]["namespace"], event["job"]["name"]))
    check_facets(event["run"]["facets"], RUN_FACETS)
    check_facets(event["job"]["facets"], JOB_FACETS)
    for dataset in event["inputs"]:
        assert dataset["namespace"] and dataset["name"]
        check_facets(dataset["facets"], DATASET_FACETS)
        check_facets(dataset.get("inputFacets", {}), INPUT_FACETS)
    for dataset in event["outputs"]:
        check_facets(dataset["facets"], DATASET_FACETS)
        check_facets(dataset.get("outputFacets", {}), OUTPUT_FACETS)


def check_all(events):
    """Each run begins once and ends once, steps within their run."""
    for event in events:
        check_event(event)
    begun, ended = {}, {}
    for place, event in enumerate(events):
        side = begun if event["eventType"] == "START" else ended
        assert event["run"]["runId"] not in side
        side[event["run"]["runId"]] = place
    assert set(begun) == set(ended)
    assert all(begun[run] < ended[run] for run in begun)
    pipeline = events[0]["run"]["runId"]
    assert begun[pipeline] == 0 and ended[pipeline] == len(events) - 1
    for event in events[1:-1]:
        assert event["run"]["facets"]["parent"]["run"]["runId"] == pipeline


def names_of_facets(events):
    """Of the facets whose schema is here: those that the events have."""
    addresses = [facet["_schemaURL"] for event in events for _, facet in lineage_schema.facets_of(event)]
    return {name for name in lineage_schema.FACETS if any(f"/{name}.json#" in address for address in addresses)}


def project(section):
    return orders.PROJECT.replace("    - lightgbm: {rounds: 20, num_leaves: 7}\n", "") + "\n" + section


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_run_is_told_to_a_file_and_exported_alike(tmp_path):
    orders.make(tmp_path, project=project("openlineage: {file: events.ndjson, namespace: shop}\n"))
    run = martlet("run", "--json", cwd=tmp_path, expect=None).json
    told = lines(tmp_path / "events.ndjson")
    check_all(told)
    exported = martlet("lineage", "export", "--openlineage", run["run"], "--json", cwd=tmp_path).json
    check_all(exported)
    key = lambda event: (event["run"]["runId"], event["eventType"])  # noqa: E731
    assert sorted(map(key, told)) == sorted(map(key, exported))
    end = told[-1]
    assert end["eventType"] == "COMPLETE" and end["job"]["namespace"] == "shop"
    assert any(dataset["namespace"] == "file" and dataset["name"].endswith("/orders.csv") for dataset in end["inputs"])
    versions = {dataset["name"]: dataset["facets"]["version"]["datasetVersion"] for dataset in end["outputs"]}
    assert versions["orders"].startswith("sha256:")
    training = next(e for e in told if e["job"]["name"].endswith(".train:logistic") and e["eventType"] == "COMPLETE")
    quality = training["inputs"][0]["inputFacets"]["dataQualityMetrics"]
    assert quality["rowCount"] == 3000 and quality["columnMetrics"]["x"]["quantiles"]["0.5"] is not None
    # No schema stands there for nothing; errors are those of the next test.
    assert names_of_facets(told) == set(lineage_schema.FACETS) - {"ErrorMessageRunFacet"}
    # What the cache had is told as well.
    again = martlet("run", "--json", cwd=tmp_path, expect=None).json
    cached = martlet("lineage", "export", again["run"], "--json", cwd=tmp_path).json
    check_all(cached)
    assert any(event["run"]["facets"].get("martlet_run", {}).get("facts", {}).get("cached") for event in cached)
    # Documents as lines, without --json.
    text = martlet("lineage", "export", run["run"], cwd=tmp_path).out
    assert [json.loads(line) for line in text.splitlines()] == exported
    assert martlet("lineage", "orders@v1", "--json", cwd=tmp_path).json["start"]["kind"] == "dataset_version"


def test_a_failed_run_fails_with_its_error(tmp_path):
    orders.make(tmp_path, project=project("openlineage: {file: events.ndjson}\n"))
    (tmp_path / "orders.csv").write_text("id,at\n")
    martlet("run", "--json", cwd=tmp_path, expect=None)
    told = lines(tmp_path / "events.ndjson")
    for event in told:
        check_event(event)
    assert told[-1]["eventType"] == "FAIL" and told[-1]["run"]["facets"]["errorMessage"]["message"]
    assert "ErrorMessageRunFacet" in names_of_facets(told)


def client_run(url, ends, parent=None, began=1_700_000_000_123):
    """A run as MLflow's clients log it, with a dataset; its id."""
    def call(path, body):
        answer = requests.post(f"{url}/api/2.0/mlflow/{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    tags = [{"key": "mlflow.parentRunId", "value": parent}] if parent else []
    run = call("runs/create", {"experiment_id": "0", "run_name": f"größe {ends}", "user_id": "Zoë", "start_time": began, "tags": tags})
    id_of_run = run["run"]["info"]["run_id"]
    dataset = {"name": "customers\n\"ß\"", "digest": "1234abcd", "source_type": "local", "source": "{}", "schema": "{}", "profile": "{}"}
    call("runs/log-inputs", {"run_id": id_of_run, "datasets": [{"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "training"}]}]})
    if ends:
        call("runs/update", {"run_id": id_of_run, "status": ends, "end_time": 1_700_000_009_999})
    return id_of_run


def test_runs_of_clients_are_exported(tmp_path):
    with server_process.Server(tmp_path, "--store", str(tmp_path / "store")) as server:
        parent = client_run(server.url, "FINISHED")
        ids = {"COMPLETE": parent, "FAIL": client_run(server.url, "FAILED", parent), "ABORT": client_run(server.url, "KILLED", parent),
               "START": client_run(server.url, None, parent)}
        server.stop()
    for kind, each in ids.items():
        events = martlet("lineage", "export", each, "--json", "--store", tmp_path / "store", cwd=tmp_path).json
        for event in events:
            check_event(event)
        assert [event["eventType"] for event in events] == (["START"] if kind == "START" else ["START", kind])
        assert events[-1]["inputs"][0]["facets"]["version"]["datasetVersion"] == "1234abcd"
        assert ("parent" in events[0]["run"]["facets"]) == (each != parent)


def test_no_start_of_a_client_makes_an_invalid_time(tmp_path):
    with server_process.Server(tmp_path, "--store", str(tmp_path / "store")) as server:
        runs = {began: client_run(server.url, None, began=began) for began in (0, -5, 253_402_300_799_999, 253_402_300_800_000, -90_000_000_000_000)}
        server.stop()
    times = {}
    for began, run in runs.items():
        event, = martlet("lineage", "export", run, "--json", "--store", tmp_path / "store", cwd=tmp_path).json
        check_event(event)
        times[began] = event["eventTime"]
    assert list(times.values()) == ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59.995Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999999Z",
                                    "0001-01-01T00:00:00Z"]


def spoil(event, path, value):
    """A copy of the event with another value in one place; None takes it away."""
    spoilt = copy.deepcopy(event)
    *way, last = path
    place = spoilt
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return spoilt


def test_the_schemas_find_what_is_wrong(tmp_path):
    orders.make(tmp_path, project=project(""))
    run = martlet("run", "--json", cwd=tmp_path, expect=None).json
    events = martlet("lineage", "export", run["run"], "--json", cwd=tmp_path).json
    whole = next(event for event in events if event["job"]["name"].endswith(".ingest:orders") and event["eventType"] == "COMPLETE")
    assert lineage_schema.problems(whole) == []
    facets = ("run", "facets")
    for path, value, said in [
        (("eventTime",), "yesterday", "date-time"), (("eventTime",), None, "eventTime"), (("eventType",), "STARTED", "STARTED"),
        (("producer",), "no address", "uri"), (("run", "runId"), "17", "uuid"), (("job", "name"), None, "name"), (("job", "namespace"), 1, "string"),
        (("inputs",), {}, "array"), (("outputs", 0, "name"), None, "name"), (("schemaURL",), "https://example.org/else.json", "schemaURL"),
        ((*facets, "parent", "_producer"), None, "_producer"), ((*facets, "parent", "run", "runId"), "x", "uuid"), ((*facets, "parent", "job"), None, "job"),
        ((*facets, "processing_engine", "version"), None, "version"), (("job", "facets", "jobType", "processingType"), 7, "string"),
        (("outputs", 0, "facets", "version", "_schemaURL"), "not an address", "uri"), (("outputs", 0, "facets", "schema", "fields"), {"id": 1}, "array"),
        (("outputs", 0, "outputFacets", "outputStatistics", "rowCount"), "many", "integer"),
        ((*facets, "parent", "_schemaURL"), "https://openlineage.io/spec/facets/2-0-0/ParentRunFacet.json#/$defs/ParentRunFacet", "other rules"),
    ]:
        found = lineage_schema.problems(spoil(whole, path, value))
        assert found and any(said in each for each in found), (path, value, found)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked += 1
        if self.server.status == 201:
            self.server.events.append(json.loads(body))
            self.server.tokens.add(self.headers.get("authorization"))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    made.events, made.tokens, made.status, made.asked = [], set(), 201, 0
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()


def test_a_run_is_told_over_http_with_a_token(tmp_path, receiver):
    orders.make(tmp_path, project=project('openlineage: {url: "${env:LINEAGE_URL}", token: "${env:LINEAGE_TOKEN}"}\n'))
    env = environment(LINEAGE_URL=f"http://127.0.0.1:{receiver.server_port}/api/v1/lineage", LINEAGE_TOKEN="t0ken")
    martlet("run", "--json", cwd=tmp_path, expect=None, env=env)
    check_all(receiver.events)
    assert receiver.tokens == {"Bearer t0ken"}


def test_a_receiver_that_fails_makes_no_run_fail_and_gets_its_events_later(tmp_path, receiver):
    receiver.status = 503
    orders.make(tmp_path, project=project(f"openlineage: {{url: \"http://127.0.0.1:{receiver.server_port}/\"}}\n"))
    orders.make(tmp_path / "plain", project=project(""))
    status = martlet("run", "--json", cwd=tmp_path, expect=None).status
    assert status == martlet("run", "--json", cwd=tmp_path / "plain", expect=None).status
    assert receiver.asked > 0 and receiver.events == []
    receiver.status = 201
    deadline = time.monotonic() + 60
    while martlet("lineage", "send", "--json", cwd=tmp_path, expect=(SUCCESS, WORK_FAILED)).json["waiting"] > 0:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    check_all(receiver.events)


def test_events_of_a_run_that_was_killed_are_told_when_it_goes_on(tmp_path):
    orders.make(tmp_path, project=project("openlineage: {file: events.ndjson}\n"))
    process = subprocess.Popen([PROGRAM, "run"], cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    file = tmp_path / "events.ndjson"
    while process.poll() is None and not (file.exists() and b"COMPLETE" in file.read_bytes()):
        time.sleep(0.005)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    martlet("resume", cwd=tmp_path, expect=None)
    # One that was sent when the process died may stand there twice.
    unique = {}
    for event in lines(file):
        unique.setdefault((event["run"]["runId"], event["eventType"]), event)
    for event in unique.values():
        check_event(event)
    begun = {run for run, kind in unique if kind == "START"}
    ended = {run for run, kind in unique if kind != "START"}
    assert begun == ended and len(begun) == len(orders.STEPS)  # one trainer less, and the run itself


def test_wrong_sections_are_refused_with_their_place(tmp_path):
    orders.make(tmp_path, project=project("openlineage: {file: a, url: \"http://b\", nmespace: x}\n"))
    call = martlet("check", "--json", cwd=tmp_path, expect=None)
    found = {finding["rule"] for finding in call.json["findings"]}
    assert {"one_of", "unknown_key"} <= found
