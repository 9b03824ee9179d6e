"""`martlet serve` under real clients: both protocols, precise refusals, drain, hot swap, and what it costs when idle."""
import http.client
import json
import os
import shutil
import signal
import threading
import time

import numpy as np
import orders
import pandas as pd
import pytest
import requests
from program import SUCCESS, WRONG_CALL, martlet
from server_process import COLUMNS, Server, records

try:
    import tritonclient.http as triton
    from tritonclient.utils import InferenceServerException
except ImportError:
    triton = None

@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    shop = orders.make(tmp_path_factory.mktemp("serve"), project=orders.PROJECT.replace("    - logistic\n", ""))
    martlet("run", "--json", cwd=shop)
    return shop


@pytest.fixture(scope="module")
def server(finished):
    with Server(finished) as running:
        yield running


@pytest.fixture(scope="module")
def rows():
    return orders.rows(count=200, seed=5, begin="2025-06-01").drop(columns="good")


@pytest.fixture(scope="module")
def expected(finished, rows, tmp_path_factory):
    """What `martlet predict` says of the rows, in their order."""
    folder = tmp_path_factory.mktemp("expected")
    rows.to_csv(folder / "rows.csv", index=False)
    martlet("predict", "orders@live", "--input", folder / "rows.csv", "--output", folder / "out.parquet", cwd=finished)
    frame = pd.read_parquet(folder / "out.parquet").sort_values("id")
    return frame.score.tolist(), frame.predicted.astype(bool).tolist()


# -- both protocols

def test_health_and_version_answer(server):
    health = requests.get(f"{server.url}/api/v1/health", timeout=5).json()
    assert health["ready"] is True and health["model"] == "orders" and str(health["version"]) == "1"
    for route in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/ping", "/v2/models/orders/ready", "/version",
                  "/metrics", "/v2"):
        assert requests.get(server.url + route, timeout=5).status_code == 200, route


def test_model_metadata_names_the_raw_columns(server):
    answer = requests.get(f"{server.url}/v2/models/orders", timeout=5).json()
    assert answer["name"] == "orders" and answer["versions"] == ["1"]
    assert set(COLUMNS) <= {tensor["name"] for tensor in answer["inputs"]}
    assert {"score", "predicted", "prediction_id"} == {tensor["name"] for tensor in answer["outputs"]}


def split(rows):
    return {"dataframe_split": {"columns": COLUMNS, "data": [list(row.values()) for row in records(rows)]}}


def by_column(rows):
    return {"inputs": {name: [row[name] for row in records(rows)] for name in COLUMNS}}


@pytest.mark.parametrize("body", [
    split, by_column, lambda rows: {"dataframe_records": records(rows)}, lambda rows: {"instances": records(rows)},
], ids=["dataframe_split", "inputs", "dataframe_records", "instances"])
def test_invocations_answer_each_form_with_the_bits_of_predict(server, rows, expected, body):
    answer = requests.post(f"{server.url}/invocations", json=body(rows), timeout=10)
    assert answer.status_code == 200, answer.text
    predictions = answer.json()["predictions"]
    assert [row["score"] for row in predictions] == expected[0]
    assert [row["predicted"] for row in predictions] == expected[1]
    assert len({row["prediction_id"] for row in predictions}) == len(rows)


def test_invocations_answer_csv_with_the_bits_of_predict(server, rows, expected):
    answer = requests.post(f"{server.url}/invocations", data=rows[COLUMNS].to_csv(index=False), headers={"content-type": "text/csv"},
                           timeout=10)
    assert answer.status_code == 200, answer.text
    assert [row["score"] for row in answer.json()["predictions"]] == expected[0]


def tensors(rows):
    whole = rows[rows.z.notna()]
    return [{"name": "at", "shape": [len(whole)], "datatype": "BYTES", "data": whole["at"].tolist()},
            {"name": "x", "shape": [len(whole)], "datatype": "FP64", "data": whole.x.tolist()},
            {"name": "z", "shape": [len(whole), 1], "datatype": "FP64", "data": whole.z.tolist()},
            {"name": "colour", "shape": [len(whole)], "datatype": "BYTES", "data": whole.colour.tolist()}]


def test_the_open_inference_protocol_answers_with_the_bits_of_predict(server, rows, expected):
    wanted = [score for score, known in zip(expected[0], rows.z.notna()) if known]
    answer = requests.post(f"{server.url}/v2/models/orders/infer", timeout=10,
                           json={"id": "mine", "inputs": tensors(rows), "outputs": [{"name": "score"}]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["model_name"] == "orders" and body["model_version"] == "1" and body["id"] == "mine"
    assert [output["name"] for output in body["outputs"]] == ["score"] and body["outputs"][0]["data"] == wanted


def triton_infer(server, rows, **how):
    """The request as tritonclient builds it, all in JSON."""
    inputs = []
    for tensor in tensors(rows):
        array = np.array(tensor["data"], dtype=object if tensor["datatype"] == "BYTES" else np.float64).reshape(tensor["shape"])
        one = triton.InferInput(tensor["name"], list(array.shape), tensor["datatype"])
        one.set_data_from_numpy(array, binary_data=False)
        inputs.append(one)
    outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in ("score", "predicted")]
    return triton.InferenceServerClient(f"127.0.0.1:{server.port}").infer("orders", inputs, outputs=outputs, **how)


needs_triton = pytest.mark.skipif(triton is None, reason="tritonclient is not installed: the protocol's real client was not tried")


@needs_triton
def test_tritonclient_gets_the_bits_of_predict(server, rows, expected):
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("orders")
    assert client.get_model_metadata("orders")["name"] == "orders"
    result = triton_infer(server, rows, headers={"content-type": "application/json"})
    known = rows.z.notna()
    assert result.as_numpy("score").tolist() == [score for score, whole in zip(expected[0], known) if whole]
    assert result.as_numpy("predicted").tolist() == [predicted for predicted, whole in zip(expected[1], known) if whole]


@needs_triton
def test_tritonclient_needs_no_header_of_its_own(server, rows):
    assert len(triton_infer(server, rows).as_numpy("score")) == rows.z.notna().sum()


@needs_triton
def test_tritonclient_shows_our_errors(server, rows):
    with pytest.raises(InferenceServerException) as caught:
        triton_infer(server, rows, model_version="9")
    assert "version 9 of" in str(caught.value) and "version 1 is" in str(caught.value)
    one = triton.InferInput("colour", [1], "BYTES")
    one.set_data_from_numpy(np.array(["red"], dtype=object), binary_data=False)
    with pytest.raises(InferenceServerException) as caught:
        triton.InferenceServerClient(f"127.0.0.1:{server.port}").infer("orders", [one])
    for part in ("at: the column is required", "x: the column is required", "invalid_argument, request "):
        assert part in str(caught.value), caught.value


@needs_triton
def test_tritonclient_is_told_that_binary_tensors_are_not_read(server):
    one = triton.InferInput("x", [1], "FP64")
    one.set_data_from_numpy(np.array([1.0]))
    with pytest.raises(InferenceServerException) as caught:
        triton.InferenceServerClient(f"127.0.0.1:{server.port}").infer("orders", [one])
    assert "binary_data=False" in str(caught.value)


def test_a_web_page_cannot_ask_by_leaving_the_content_type_out(server, rows):
    def ask(**headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("POST", "/invocations", json.dumps({"dataframe_records": records(rows[:1])}), headers)
        return connection.getresponse().status

    assert ask() == 200
    assert ask(Origin="https://evil.example") == 403
    assert ask(Origin="null") == 403
    assert ask(**{"Sec-Fetch-Site": "cross-site"}) == 415
    assert ask(**{"content-type": "text/plain"}) == 415


def test_every_route_of_the_open_inference_protocol_is_there(server, rows):
    """The published REST surface: what it must answer, and with which members."""
    model, version = "/v2/models/orders", "/v2/models/orders/versions/1"
    assert requests.get(f"{server.url}/v2/health/live", timeout=5).status_code == 200
    assert requests.get(f"{server.url}/v2/health/ready", timeout=5).status_code == 200
    about = requests.get(f"{server.url}/v2", timeout=5).json()
    assert about["name"] == "martlet" and about["version"] and about["extensions"] == []
    for path in (model, version):
        told = requests.get(server.url + path, timeout=5).json()
        assert {"name", "versions", "platform", "inputs", "outputs"} <= set(told)
        for tensor in told["inputs"] + told["outputs"]:
            assert set(tensor) == {"name", "datatype", "shape"} and tensor["shape"] == [-1]
        assert requests.get(f"{server.url}{path}/ready", timeout=5).status_code == 200
        body = {"id": "a", "parameters": {"priority": 1}, "inputs": tensors(rows),
                "outputs": [{"name": "predicted", "parameters": {"binary_data": False}}, {"name": "prediction_id"}]}
        answer = requests.post(f"{server.url}{path}/infer", json=body, timeout=10).json()
        assert {"model_name", "model_version", "id", "outputs"} == set(answer)
        assert [output["name"] for output in answer["outputs"]] == ["predicted", "prediction_id"]
        for output in answer["outputs"]:
            assert set(output) == {"name", "datatype", "shape", "data"} and len(output["data"]) == output["shape"][0]
    for path in ("/v2/models/orders/versions/2", "/v2/models/other", "/v2/models/other/ready", "/v2/models/orders/versions/2/ready", "/v2/x"):
        answer = requests.get(server.url + path, timeout=5)
        assert answer.status_code == 404 and isinstance(answer.json()["error"], str) and set(answer.json()) == {"error"}, answer.text
    for body, wanted in (({"inputs": []}, "no rows"), ({"inputs": 1}, "list of tensors"), ({}, "list of tensors")):
        answer = requests.post(f"{server.url}{model}/infer", json=body, timeout=5)
        assert answer.status_code == 400 and wanted in answer.json()["error"], answer.text
    refusal = requests.post(f"{server.url}{model}/infer", data="x", timeout=5, headers={"content-type": "text/csv"})
    assert refusal.status_code == 415 and "application/json" in refusal.json()["error"]


@pytest.mark.parametrize("form", ["split", "records", "instances", "inputs-records", "inputs-lists", "instances-lists", "split-index"])
def test_one_row_is_answered_alike_in_every_form_of_mlflow(server, rows, expected, form):
    for number in range(20):
        [row] = records(rows[number:number + 1])
        body = {
            "split": {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}},
            "split-index": {"dataframe_split": {"index": [number], "columns": list(row), "data": [list(row.values())]}},
            "records": {"dataframe_records": [row]}, "instances": {"instances": [row]}, "inputs-records": {"inputs": [row]},
            "inputs-lists": {"inputs": {name: [value] for name, value in row.items()}},
            "instances-lists": {"instances": {name: [value] for name, value in row.items()}},
        }[form]
        answer = requests.post(f"{server.url}/invocations", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        assert answer.json()["predictions"][0]["score"] == expected[0][number]


def test_a_single_row_scores_as_the_same_row_among_many(server, rows, expected):
    for number in (0, 1, 17, 199):
        assert server.score(rows[number:number + 1]) == [expected[0][number]]


def test_the_key_may_come_along_and_changes_nothing(server, rows, expected):
    answer = requests.post(f"{server.url}/invocations", timeout=10, json={"dataframe_records": records(rows, ["id", *COLUMNS])})
    assert [row["score"] for row in answer.json()["predictions"]] == expected[0]


# -- refusals

def refused(server, body, status=400, **headers):
    answer = requests.post(f"{server.url}/invocations", data=body if isinstance(body, (str, bytes)) else json.dumps(body),
                           headers={"content-type": "application/json", **headers}, timeout=10)
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    return answer.json()["error"]


def test_unknown_missing_and_ill_typed_columns_are_all_named_in_one_answer(server):
    error = refused(server, {"dataframe_records": [{"at": "yesterday", "x": "much", "color": "red", "z": 1.0, "extra": 1}]})
    named = {finding["path"] for finding in error["findings"]}
    text = json.dumps(error)
    for name in ("at", "x", "color", "colour", "extra"):
        assert any(name in path for path in named) or f'\\"{name}\\"' in text, f"{name} is not named in {error}"
    assert "did you mean" in text and error["request_id"]


@pytest.mark.parametrize("body", [
    "", "{", "[]", "{}", '{"dataframe_records": 5}', '{"dataframe_records": [5]}', '{"dataframe_split": {"columns": ["x"]}}',
    '{"dataframe_split": {"columns": ["x"], "data": [[1, 2]]}}', '{"inputs": {"x": [1, 2], "z": [1]}}', '{"unknown": []}',
    '{"dataframe_records": [{"x": 1e999}]}', "\xff\xfe", "[" * 100000,
], ids=range(13))
def test_bodies_that_cannot_be_read_are_refused_with_a_reason(server, body):
    assert refused(server, body if isinstance(body, bytes) else body.encode("latin-1"))["message"]


def test_other_hosts_routes_methods_and_types_are_refused(server):
    assert requests.get(f"{server.url}/health", headers={"Host": "evil.example"}, timeout=5).status_code == 403
    assert requests.get(f"{server.url}/nothing", timeout=5).status_code == 404
    assert requests.get(f"{server.url}/invocations", timeout=5).status_code == 405
    assert requests.post(f"{server.url}/v2/models/other/infer", json={"inputs": []}, timeout=5).status_code == 404
    assert requests.post(f"{server.url}/v2/models/orders/versions/9/infer", json={"inputs": []}, timeout=5).status_code == 404
    refused(server, "x", 415, **{"content-type": "application/x-pickle"})
    assert requests.get(f"{server.url}/api/v1/health", timeout=5).json()["ready"] is True


@pytest.mark.parametrize("flags", [["--listen", "0.0.0.0:0"], ["--listen", "127.0.0.1:99999"], ["--listen", "nonsense"],
                                   ["--env", "moon"]], ids=" ".join)
def test_serve_refuses_wrong_flags(finished, flags):
    assert martlet("serve", *flags, cwd=finished, expect=WRONG_CALL, timeout=20).err.strip()


def test_a_port_that_is_taken_is_named(finished, server):
    call = martlet("serve", "--listen", f"127.0.0.1:{server.port}", cwd=finished, expect=3, timeout=20)
    assert str(server.port) in call.err


# -- life of the process

def test_requests_in_flight_are_answered_and_sigterm_exits_with_0(finished, rows, expected):
    with Server(finished) as running:
        body = json.dumps({"dataframe_records": records(rows)}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        connection.putrequest("POST", "/invocations")
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body[:100])
        time.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert running.process.poll() is None, "it did not wait for a request that had begun"
        connection.send(body[100:])
        answer = connection.getresponse()
        assert answer.status == 200
        assert [row["score"] for row in json.loads(answer.read())["predictions"]] == expected[0]
        assert running.process.wait(timeout=40) == SUCCESS


def test_a_server_under_load_loses_no_request_when_it_is_told_to_stop(finished, rows):
    with Server(finished) as running:
        one = rows[:1]
        outcomes, stopping = [], threading.Event()

        def ask():
            with requests.Session() as session:
                while True:
                    began_before = not stopping.is_set()
                    try:
                        answer = session.post(f"{running.url}/invocations", json={"dataframe_records": records(one)}, timeout=10)
                    except requests.ConnectionError:
                        outcomes.append(("refused", began_before))
                        return
                    outcomes.append((answer.status_code, began_before))

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        time.sleep(0.7)
        stopping.set()
        assert running.stop() == SUCCESS
        for client in clients:
            client.join(timeout=20)
    answered = [status for status, _ in outcomes if status != "refused"]
    assert answered.count(200) > 10 and set(answered) <= {200, 503}
    # A request that was sent before the signal may meet it on its way; not more than one a client.
    assert sum(status == "refused" for status, _ in outcomes) <= len(clients)


class Load:
    """Two clients that ask for one row after another until they're ended; every answer must be one."""

    def __init__(self, server, rows):
        self.server, self.rows, self.told, self.failed, self.over = server, rows[rows.z.notna()], [], [], threading.Event()
        self.clients = [threading.Thread(target=self.ask) for _ in range(2)]
        for client in self.clients:
            client.start()

    def ask(self):
        with requests.Session() as session:
            while not self.over.is_set():
                for number in self.rows.index:
                    body = {"inputs": tensors(self.rows.loc[[number]])}
                    try:
                        answer = session.post(f"{self.server.url}/v2/models/orders/infer", json=body, timeout=10)
                        scores = [output["data"][0] for output in answer.json()["outputs"] if output["name"] == "score"]
                        self.told.append((number, answer.json()["model_version"], scores[0]))
                    except (requests.RequestException, KeyError, ValueError) as error:
                        self.failed.append(error)
                        return
                    time.sleep(0.002)

    def end(self):
        self.over.set()
        for client in self.clients:
            client.join(timeout=20)
        assert not self.failed, self.failed
        return self.told


def test_a_new_live_version_takes_over_without_a_restart_and_no_request_fails(finished, rows, tmp_path):
    shop = shutil.copytree(finished, tmp_path / "shop")
    with Server(shop) as running:
        before = running.score(rows)
        load = Load(running, rows[:50])
        (shop / "martlet.yaml").write_text((shop / "martlet.yaml").read_text().replace("rounds: 20", "rounds: 60")
                                           .replace('goal: ">= baseline"', 'goal: ">= baseline - 100"'))
        frame = orders.rows(count=4000, seed=8)
        frame.to_csv(shop / "orders.csv", index=False)
        run = martlet("run", "--json", cwd=shop, expect=None).json
        assert run["model"]["version"] == 2
        if run["model"].get("live") != "experiment":
            pytest.skip(f"the second version did not pass its gates, so nothing was to be swapped: {run['gates']}")
        deadline = time.monotonic() + 20
        while str(requests.get(f"{running.url}/api/v1/health", timeout=5).json()["version"]) != "2":
            assert time.monotonic() < deadline, "the server still answers with version 1"
            assert len(running.score(rows[:3])) == 3
            time.sleep(0.1)
        answer = requests.post(f"{running.url}/v2/models/orders/infer", timeout=10, json={"inputs": tensors(rows)}).json()
        assert answer["model_version"] == "2"
        after = running.score(rows)
        assert after != before
        told = load.end()
        for number, version, score in told:
            assert score == {"1": before, "2": after}[version][number], (number, version)
        assert {version for _, version, _ in told} == {"1", "2"} and len(told) > 100
        assert running.stop() == SUCCESS


def resident_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_idle_server_is_small_and_does_nothing(finished, rows, measured):
    with Server(finished) as running:
        running.score(rows[:1])
        before = processor_seconds(running.process.pid)
        time.sleep(3)
        used = processor_seconds(running.process.pid) - before
        resident = resident_bytes(running.process.pid)
        measured(f"idle `martlet serve`: {resident / 1e6:.1f} MB resident, {used * 1e3:.0f} ms of processor time in 3 s")
        assert resident < 60e6
        assert used <= 0.05


def test_predictions_are_logged_and_survive_a_kill(finished, rows, tmp_path):
    shop = shutil.copytree(finished, tmp_path / "shop")
    with Server(shop) as running:
        running.score(rows)
        time.sleep(0.5)
        running.process.kill()
        running.process.wait()
    with Server(shop) as again:
        assert len(again.score(rows[:5])) == 5
        assert again.stop() == SUCCESS
