"""OpenLineage events of a run, held against the classes that OpenLineage generates from its published schemas."""
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import typing

import attr
import orders
import pytest
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
