"""Each pair of a place for records (SQLite, PostgreSQL) and a place for blobs (folder, S3) answers alike.

The same scenario goes through `martlet serve` on each pair, by MLflow's REST interface; every answer is held against what it must be, and
at the end the pairs' answers against one another, to the letter but for ids and times. The tests of a pair run in their order, on one store.
"""
import hashlib
import random
import threading
import time

import pytest
import real_services
from store_pair import FILTERS, LONG, ORDERS, PAIRS, Filled, noise

ANSWERS = {}  # pair: {name of an answer: the answer}
LARGE = random.Random(8).randbytes(5 << 20)


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    made = {}
    try:
        made["s3"] = real_services.S3(tmp_path_factory.mktemp("s3"))
        made["postgres"] = real_services.Postgres(tmp_path_factory.mktemp("postgres"))
        yield made
    finally:
        for each in made.values():
            each.stop()


@pytest.fixture(scope="module", params=PAIRS)
def store(request, services, tmp_path_factory):
    """The pair's store, with RUNS in it."""
    filled = Filled(request.param, tmp_path_factory.mktemp(request.param), services, ANSWERS.setdefault(request.param, {}))
    filled.fill()
    yield filled
    filled.server.__exit__()


def test_experiments(store):
    http = store.http
    made = http.ask("POST", "experiments/create", {"name": "made", "tags": [{"key": "team", "value": "grün"}]})["experiment_id"]
    http.post("experiments/set-experiment-tag", experiment_id=made, key="long", value=LONG)
    http.post("experiments/update", experiment_id=made, new_name="Made ünder another name")
    assert http.refused("POST", "experiments/create", {"name": "größe/searched"}) == (400, "RESOURCE_ALREADY_EXISTS")
    assert http.refused("GET", "experiments/get?experiment_id=999999") == (404, "RESOURCE_DOES_NOT_EXIST")
    found = {}
    for filter_, expected in [("name LIKE '%searched'", ["größe/searched"]), ("name ILIKE '%SEARCHED'", ["größe/searched"]),
                              ("tags.team = 'grün'", ["Made ünder another name"]), (f"tags.long = '{LONG}'", ["Made ünder another name"]),
                              ("name != 'x'", ["Made ünder another name", "größe/searched", "Default"])]:
        names = [each["name"] for each in http.post("experiments/search", filter=filter_, max_results=100)["experiments"]]
        assert sorted(names) == sorted(expected), filter_
        found[filter_] = names
    http.post("experiments/delete", experiment_id=made)
    assert http.get("experiments/get", experiment_id=made)["experiment"]["lifecycle_stage"] == "deleted"
    assert http.refused("POST", "runs/create", {"experiment_id": made})[0] == 400
    http.post("experiments/restore", experiment_id=made)
    store.keep("experiments found", found)
    store.keep("an experiment", http.get("experiments/get", experiment_id=made))


@pytest.mark.parametrize("filter_,expected", FILTERS, ids=[filter_[:60] or "none" for filter_, _ in FILTERS])
def test_runs_are_found(store, filter_, expected):
    answer = store.http.post("runs/search", experiment_ids=[store.searched], filter=filter_, order_by=["attributes.start_time ASC"], max_results=100)
    assert [run["info"]["run_name"] for run in answer.get("runs", [])] == expected.split()
    store.keep(f"found by {filter_}", answer)


@pytest.mark.parametrize("order,expected", ORDERS, ids=[", ".join(order) or "none" for order, _ in ORDERS])
def test_runs_come_in_order_page_by_page(store, order, expected):
    runs, pages = store.http.pages("runs/search", "runs", experiment_ids=[store.searched], order_by=order, max_results=3)
    assert [run["info"]["run_name"] for run in runs] == expected.split() and pages == 3
    store.keep(f"in order of {order}", runs)


def test_a_run_keeps_what_it_was_given(store):
    told = store.keep("a run", store.http.get("runs/get", run_id=store.ids["a0"]))["run"]
    assert told["info"]["status"] == "FINISHED" and told["info"]["end_time"] == 1005 and told["info"]["user_id"] == "Zoë"
    assert told["data"]["metrics"] == [{"key": "acc", "step": 0, "timestamp": 1, "value": 0.1}, {"key": "loss", "step": 0, "timestamp": 1, "value": 9.0}]
    assert told["inputs"]["dataset_inputs"][0]["dataset"]["name"] == "orders"


def test_batches_and_histories(store):
    http, run = store.http, store.run("history", store.experiment("histories"))
    points = [{"key": f"k{number % 4}", "value": number / 7, "timestamp": 1000 + number // 4, "step": number // 4 - 50} for number in range(996)]
    batch = {"run_id": run, "metrics": points, "params": [{"key": "long", "value": LONG}, {"key": "ß" * 200, "value": "x"}],
             "tags": [{"key": "long", "value": LONG}, {"key": "empty", "value": ""}]}
    for _ in range(2):  # an answer that was lost: sent again, it adds nothing
        http.ask("POST", "runs/log-batch", batch)
    history = http.get("metrics/get-history", run_id=run, metric_key="k1")["metrics"]
    assert [(point["value"], int(point["step"]), int(point["timestamp"])) for point in history] == [
        (point["value"], point["step"], point["timestamp"]) for point in points if point["key"] == "k1"]
    odd = [("NaN", 1, 5), ("Infinity", 2, 5), ("-Infinity", 3, 5), (5e-324, 4, 5), (-1.7976931348623157e308, 5, 5), (0.1 + 0.2, -3, 5), (1.0, 5, 4), (-0.0, 6, 1)]
    for value, step, at in odd:
        http.post("runs/log-metric", run_id=run, key="odd", value=value, step=step, timestamp=at)
    store.keep("a history of odd numbers", http.get("metrics/get-history", run_id=run, metric_key="odd"))
    latest = {metric["key"]: metric for metric in http.get("runs/get", run_id=run)["run"]["data"]["metrics"]}
    assert (latest["odd"]["step"], latest["odd"]["value"], latest["k3"]["step"]) == (6, 0, 198)
    seen, token = [], None
    while token or not seen:
        page = http.get("metrics/get-history", run_id=run, metric_key="k2", max_results=100, **({"page_token": token} if token else {}))
        seen.append(len(page["metrics"]))
        token = page.get("next_page_token")
    assert seen == [100, 100, 49]
    store.keep("a run of long values", http.get("runs/get", run_id=run))
    store.keep("a bulk of histories", http.get("metrics/get-history-bulk-interval", run_ids=[run], metric_key="k0", max_results=20))
    refused = {"run_id": run, "metrics": [{"key": "fresh", "value": 1, "timestamp": 1}], "params": [{"key": "long", "value": "another"}]}
    assert http.refused("POST", "runs/log-batch", refused) == (400, "INVALID_PARAMETER_VALUE")
    assert http.get("metrics/get-history", run_id=run, metric_key="fresh").get("metrics", []) == []


def test_texts_that_a_database_may_not_like(store):
    """NUL, the ends of the planes, combining marks, keys that differ in their last character only."""
    http, experiment = store.http, store.experiment("texts")
    run = store.run("texts", experiment)
    taken = {}
    for number, text in enumerate(["a\x00b", "\x01\x7f", "\ud7ff\ue000\uffff", "\U0010ffff", "e\u0301", "é", "ſ", "  spaces  ", "line\nbreak\r\n\ttab", "'; drop table runs; --", "$1 ? :x %s"]):
        answer = http.send("POST", "runs/set-tag", {"run_id": run, "key": f"t{number}", "value": text})
        assert answer.status_code in (200, 400), f"{text!r}: {answer.status_code} {answer.text}"
        taken[repr(text)] = answer.status_code
        if answer.status_code == 200:
            found = http.post("runs/search", experiment_ids=[experiment], filter=f"tags.t{number} LIKE '%'")
            assert [tag["value"] for tag in found["runs"][0]["data"]["tags"] if tag["key"] == f"t{number}"] == [text]
    for key in ("key", "Key", "key ", "kéy", "ke\u0301y"):
        http.post("runs/log-parameter", run_id=run, key=key, value=key)
    params = http.get("runs/get", run_id=run)["run"]["data"]["params"]
    assert {param["key"]: param["value"] for param in params} == {key: key for key in ("key", "Key", "key ", "kéy", "ke\u0301y")}
    store.keep("texts taken", taken)
    store.keep("a run of texts", http.get("runs/get", run_id=run))


def test_names_as_long_as_they_may_be(store):
    """Where martlet takes a name, every place for records keeps it and finds it, though their indexes have limits of their own."""
    http = store.http
    names = {most: noise(most) for most in (500, 501)}  # of four bytes each
    taken, refused = {}, {}
    run = store.run("long names", store.experiment("long names"))
    experiment = http.get("runs/get", run_id=run)["run"]["info"]["experiment_id"]
    for most, outcome in ((500, taken), (501, refused)):
        for what, call, body in (("experiment", "experiments/create", {"name": names[most]}),
                                 ("run", "runs/create", {"experiment_id": experiment, "run_name": names[most]}),
                                 ("logged model", "logged-models", {"experiment_id": experiment, "name": names[most]})):
            outcome[what] = http.send("POST", call, body).status_code
    assert set(refused.values()) == {400}, str(refused)
    assert http.get("experiments/get-by-name", experiment_name=names[500])["experiment"]["name"] == names[500]
    found = http.post("runs/search", experiment_ids=[experiment], filter=f"run_name = '{names[500]}'")
    assert [each["info"]["run_name"] for each in found["runs"]] == [names[500]]
    found = http.post("logged-models/search", experiment_ids=[experiment], filter=f"name = '{names[500]}'")
    assert [each["info"]["name"] for each in found["models"]] == [names[500]]
    key = noise(250)
    batch = {"metrics": [{"key": key, "value": 1, "timestamp": 1}], "params": [{"key": key, "value": noise(6000)}], "tags": [{"key": key, "value": noise(8000)}]}
    for part, items in batch.items():
        taken[part] = http.send("POST", "runs/log-batch", {"run_id": run, part: items}).status_code
    dataset = {"name": noise(125), "digest": noise(25), "source_type": "local", "source": "{}"}
    taken["dataset"] = http.send("POST", "runs/log-inputs", {"run_id": run, "datasets": [
        {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": noise(500)}]}]}).status_code
    taken["context"] = http.send("POST", "runs/log-inputs", {"run_id": run, "datasets": [
        {"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": noise(501)}]}]}).status_code
    taken["model"] = http.send("POST", "registered-models/create", {"name": noise(250), "tags": [{"key": key, "value": noise(1250)}]}).status_code
    http.post("registered-models/create", name="long names")
    source = http.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    taken["version"] = http.send("POST", "model-versions/create", {"name": "long names", "source": source, "run_id": run, "tags": [{"key": key, "value": noise(1250)}]}).status_code
    taken["alias"] = http.send("POST", "registered-models/alias", {"name": "long names", "alias": "a" * 255, "version": "1"}).status_code
    path = source.removeprefix("mlflow-artifacts:/") + "/" + "/".join(noise(60) for _ in range(4))
    taken["path"] = http.send("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", data=b"x").status_code
    logged = {"experiment_id": experiment, "name": "m", "source_run_id": run,
              "params": [{"key": key, "value": noise(6000)}], "tags": [{"key": key, "value": noise(5000)}]}
    model = http.post("logged-models", **logged)["model"]["info"]["model_id"]
    for name, most in (("metric of a model", 125), ("metric of a model, too long", 126)):
        measured = {"run_id": run, "key": noise(249), "value": 1, "timestamp": 1, "model_id": model, "dataset_name": noise(most), "dataset_digest": noise(25)}
        taken[name] = http.send("POST", "runs/log-metric", measured).status_code
    assert taken.pop("context") == taken.pop("metric of a model, too long") == 400 and set(taken.values()) == {200}, str(taken)
    data = http.get("runs/get", run_id=run)["run"]["data"]
    assert {tag["key"]: tag["value"] for tag in data["tags"]}[key] == batch["tags"][0]["value"]
    assert [param["value"] for param in data["params"]] == [batch["params"][0]["value"]]
    for filter_ in (f"metrics.`{key}` = 1", f"params.`{key}` = '{data['params'][0]['value']}'", f"tags.`{key}` = '{batch['tags'][0]['value']}'"):
        found = http.post("runs/search", experiment_ids=[logged["experiment_id"]], filter=filter_)
        assert [each["info"]["run_id"] for each in found["runs"]] == [run]
    store.keep("a run of long names", http.get("runs/get", run_id=run))


def test_eight_writers_on_one_run_lose_nothing(store):
    run, failures = store.run("written by eight", store.experiment("writers")), []

    def write(writer):
        from tracking_http import Tracking
        http = Tracking(store.server.url)
        try:
            for step in range(12):
                http.post("runs/log-batch", run_id=run, metrics=[{"key": key, "value": writer, "timestamp": writer, "step": step} for key in ("shared", f"own{writer}")],
                          tags=[{"key": "last", "value": "x"}], params=[{"key": f"p{writer}.{step}", "value": str(step)}])
        except Exception as error:  # noqa: BLE001  told by the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    history = store.http.get("metrics/get-history", run_id=run, metric_key="shared")["metrics"]
    assert sorted((int(point["step"]), point["value"]) for point in history) == sorted((step, writer) for writer in range(8) for step in range(12))
    data = store.http.get("runs/get", run_id=run)["run"]["data"]
    assert len(data["params"]) == 96 and {metric["key"]: metric["value"] for metric in data["metrics"]}["shared"] == 7
    store.keep("params of eight writers", sorted(param["key"] for param in data["params"]))


def test_artifacts(store):
    http, run = store.http, store.run("files", store.experiment("files"))
    large, small = store.put(run, "deep/large.bin", LARGE), store.put(run, "größe ü.txt", b"hallo")
    store.put(run, "deep/empty", b"")
    store.put(run, "deep/twin.bin", LARGE)
    assert hashlib.sha256(http.send("GET", large).content).digest() == hashlib.sha256(LARGE).digest()
    for asked, begin, end in [("bytes=0-0", 0, 1), ("bytes=1048570-1048600", 1048570, 1048601), ("bytes=-77", len(LARGE) - 77, len(LARGE)),
                              ("bytes=5242000-", 5242000, len(LARGE)), ("bytes=5242879-9999999", len(LARGE) - 1, len(LARGE))]:
        part = http.send("GET", large, headers={"Range": asked})
        assert part.status_code == 206 and part.content == LARGE[begin:end], asked
        assert part.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(LARGE)}"
    assert http.send("GET", large, headers={"Range": f"bytes={len(LARGE)}-"}).status_code == 416
    listed = http.get("artifacts/list", run_id=run, path="deep")["files"]
    assert {file["path"]: file.get("file_size") for file in listed} == {"deep/empty": 0, "deep/large.bin": len(LARGE), "deep/twin.bin": len(LARGE)}
    store.keep("a list of files", http.get("artifacts/list", run_id=run))
    store.put(run, "größe ü.txt", b"anew")
    assert http.send("GET", small).content == b"anew"
    assert http.send("DELETE", small).status_code == 200 and http.send("GET", small).status_code == 404
    assert [file["path"] for file in http.get("artifacts/list", run_id=run)["files"]] == ["deep"]


def test_a_file_in_parts(store):
    http, run = store.http, store.run("parts", store.experiment("parts"))
    place = http.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    pieces = [LARGE[:2 << 20], LARGE[2 << 20:4 << 20], LARGE[4 << 20:] + b"end"]
    begun = http.ask("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{place}", {"path": "whole.bin", "num_parts": 3})
    tags = {}
    for number in (3, 1, 2, 2):  # in any order, one of them twice
        sent = http.session.put(begun["credentials"][number - 1]["url"], data=pieces[number - 1], timeout=60)
        assert sent.status_code == 200, sent.text
        tags[number] = sent.headers["ETag"]
    parts = [{"part_number": number, "etag": tags[number]} for number in (1, 2, 3)]
    http.ask("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{place}", {"path": "whole.bin", "upload_id": begun["upload_id"], "parts": parts})
    assert http.send("GET", f"/api/2.0/mlflow-artifacts/artifacts/{place}/whole.bin").content == LARGE + b"end"
    begun = http.ask("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{place}", {"path": "half.bin", "num_parts": 2})
    assert http.session.put(begun["credentials"][0]["url"], data=b"half", timeout=60).status_code == 200
    incomplete = {"path": "half.bin", "upload_id": begun["upload_id"], "parts": [{"part_number": 1}, {"part_number": 2}]}
    refused = store.keep("half an upload is refused", list(http.refused("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{place}", incomplete)))
    assert refused[0] == 400
    http.ask("POST", f"/api/2.0/mlflow-artifacts/mpu/abort/{place}", {"path": "half.bin", "upload_id": begun["upload_id"]})
    assert [file["path"] for file in http.get("artifacts/list", run_id=run)["files"]] == ["whole.bin"]


def test_the_registry(store):
    http, run = store.http, store.run("trained", store.experiment("registered"))
    store.put(run, "model/weights", b"0.5")
    source = http.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"] + "/model"
    for name in ("shop", "Shop", "shöp"):
        http.post("registered-models/create", name=name, description=LONG[:3000], tags=[{"key": "kind", "value": name}])
    assert http.refused("POST", "registered-models/create", {"name": "shop"}) == (400, "RESOURCE_ALREADY_EXISTS")
    for number in range(1, 4):
        version = http.post("model-versions/create", name="shop", source=source, run_id=run, tags=[{"key": "number", "value": str(number)}])
        assert version["model_version"]["version"] == str(number)
    http.post("registered-models/alias", name="shop", alias="best", version="2")
    http.post("registered-models/alias", name="shop", alias="best", version="3")
    http.post("registered-models/alias", name="shop", alias="first", version="1")
    assert http.get("registered-models/alias", name="shop", alias="best")["model_version"]["version"] == "3"
    http.ask("DELETE", "registered-models/alias", {"name": "shop", "alias": "first"})
    assert http.refused("GET", "registered-models/alias?name=shop&alias=first")[1] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
    http.post("model-versions/transition-stage", name="shop", version="1", stage="Production", archive_existing_versions=False)
    http.post("model-versions/transition-stage", name="shop", version="2", stage="Production", archive_existing_versions=True)
    stages = {version["version"]: version["current_stage"] for version in http.post("registered-models/get-latest-versions", name="shop")["model_versions"]}
    assert stages == {"1": "Archived", "2": "Production", "3": "None"}
    http.post("model-versions/set-tag", name="shop", version="1", key="long", value=LONG)
    http.ask("PATCH", "model-versions/update", {"name": "shop", "version": "1", "description": "größe"})
    http.ask("DELETE", "model-versions/delete", {"name": "shop", "version": "2"})
    assert http.refused("GET", "model-versions/get?name=shop&version=2") == (404, "RESOURCE_DOES_NOT_EXIST")
    assert http.post("model-versions/create", name="shop", source=source, run_id=run)["model_version"]["version"] == "4"
    http.post("registered-models/rename", name="Shop", new_name="a shop")
    found = {}
    for filter_, expected in [("name ILIKE '%SH_P'", ["a shop", "shop", "shöp"]), ("name LIKE 'sh%'", ["shop", "shöp"]), ("name ILIKE '%SHOP'", ["a shop", "shop"]),
                              ("tags.kind = 'Shop'", ["a shop"]), ("name = 'absent'", [])]:
        found[filter_] = http.get("registered-models/search", filter=filter_, order_by="name ASC", max_results=100)
        assert [model["name"] for model in found[filter_].get("registered_models", [])] == expected, filter_
    for filter_, expected in [("name = 'shop'", ["4", "3", "1"]), (f"run_id = '{run}'", ["4", "3", "1"]), ("tags.number = '3'", ["3"])]:
        answer = http.get("model-versions/search", filter=filter_, order_by="version_number DESC", max_results=100)
        assert [version["version"] for version in answer["model_versions"]] == expected, filter_
        found[filter_.replace(run, "RUN")] = answer
    store.keep("models and versions found", found)
    store.keep("a model", http.get("registered-models/get", name="shop"))


def test_logged_models(store):
    http, experiment = store.http, store.experiment("logged")
    run = store.run("logging", experiment)
    for number, status in enumerate(("LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", None)):
        made = http.post("logged-models", experiment_id=experiment, name=f"m{number}", model_type="tree", source_run_id=run,
                         params=[{"key": "depth", "value": str(number)}], tags=[{"key": "long", "value": LONG}])
        model = store.know(f"m{number}", made["model"]["info"]["model_id"])
        http.post("runs/log-batch", run_id=run, metrics=[{"key": "acc", "value": number / 4, "timestamp": 5, "step": 1, "model_id": model}])
        if status:
            http.ask("PATCH", f"logged-models/{model}", {"model_id": model, "status": status})
    http.ask("PATCH", f"logged-models/{store.ids['m0']}/tags", {"model_id": store.ids["m0"], "tags": [{"key": "team", "value": "grün"}]})
    found = {}
    for filter_, order, expected in [("", "name", "m0 m1 m2"), ("params.depth = '1'", "name", "m1"), ("metrics.acc >= 0.25", "metrics.acc", "m2 m1"),
                                     ("tags.team = 'grün'", "name", "m0"), ("name LIKE 'm%' AND params.depth != '0'", "name", "m1 m2")]:
        answer = http.post("logged-models/search", experiment_ids=[experiment], filter=filter_, max_results=50,
                           order_by=[{"field_name": order, "ascending": order == "name"}])
        assert [model["info"]["name"] for model in answer.get("models", [])] == expected.split(), filter_
        found[filter_] = answer
    store.keep("logged models found", found)
    http.ask("DELETE", f"logged-models/{store.ids['m2']}")
    assert http.refused("GET", f"logged-models/{store.ids['m2']}") == (404, "RESOURCE_DOES_NOT_EXIST")
    store.keep("a logged model", http.get(f"logged-models/{store.ids['m1']}"))


def test_what_was_deleted_goes_with_its_bytes_and_nothing_else(store):
    http, experiment = store.http, store.experiment("half of it goes")
    run, twin = store.run("doomed", experiment), store.run("surviving", experiment)
    shared, alone = LARGE[:700_000], LARGE[::-1][:900_000]
    store.put(run, "shared.bin", shared)
    store.put(run, "alone.bin", alone)
    kept = store.put(twin, "shared.bin", shared)
    http.post("runs/delete", run_id=run)
    now = ("gc", "--older-than", "0s", "--deleted-older-than", "0s")
    deadline = time.monotonic() + 20
    while (foreseen := store.martlet(*now, "--dry-run"))["too_young"]["count"]:  # an S3 server tells times in whole seconds
        assert time.monotonic() < deadline, foreseen
        time.sleep(0.2)
    done = store.martlet(*now)
    told = [{key: report[key] for key in ("deleted", "blobs", "kept", "freed_bytes")} for report in (foreseen, done)]
    assert told[0] == told[1]
    assert done["deleted"] == 2 and done["blobs"]["bytes"] >= len(alone) + len(LARGE)  # the run and a logged model; parts of uploads
    store.keep("what gc removed", told)
    assert http.refused("GET", f"runs/get?run_id={run}") == (404, "RESOURCE_DOES_NOT_EXIST")
    assert http.send("GET", kept).content == shared
    assert store.martlet(*now)["blobs"]["count"] == 0


def test_the_store_is_sound(store):
    report = store.martlet("verify")
    assert report["sound"] and report["damages"] == [] and report["blobs"]["referenced"] > 3, report


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_all_of_it_is_there_after_the_server_was_started_anew(store, how):
    asked = [("GET", f"runs/get?run_id={store.ids[name]}", None) for name in ("a0", "history", "texts", "files")]
    asked += [("POST", "runs/search", {"experiment_ids": [store.searched], "order_by": ["metrics.acc"]}),
              ("GET", f"metrics/get-history?run_id={store.ids['history']}&metric_key=k3", None), ("GET", "registered-models/get?name=shop", None),
              ("GET", f"logged-models/{store.ids['m1']}", None), ("POST", "experiments/search", {"max_results": 100})]
    before = [store.http.ask(*each) for each in asked]
    store.server.process.kill() if how == "kill" else store.server.process.terminate()
    store.server.process.wait(timeout=60)
    store.start()
    assert [store.http.ask(*each) for each in asked] == before
    place = store.http.get("runs/get", run_id=store.ids["parts"])["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert store.http.send("GET", f"/api/2.0/mlflow-artifacts/artifacts/{place}/whole.bin").content == LARGE + b"end"
    store.http.post("runs/set-tag", run_id=store.ids["a0"], key="after", value=how)
    assert store.martlet("verify")["sound"]


def test_the_pairs_gave_the_same_answers():
    first, *others = (pair for pair in PAIRS if pair in ANSWERS)
    assert ANSWERS[first]
    for pair in others:
        assert set(ANSWERS[pair]) == set(ANSWERS[first])
        for name, answer in ANSWERS[first].items():
            assert ANSWERS[pair][name] == answer, f"{name}: {pair} differs from {first}"
