"""Metrics at once, late, twice and by the ten thousand."""
import threading
import time

import mlflow
from lossy_proxy import LossyProxy
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag


def test_history_of_more_than_one_page_comes_back_whole(client, run):
    points = 26_500
    for begin in range(0, points, 1000):
        client.log_batch(run, [Metric("loss", step * 0.25, 1_700_000_000_000 + step, step)
                               for step in range(begin, min(begin + 1000, points))])
    history = client.get_metric_history(run, "loss")
    assert [point.step for point in history] == list(range(points))
    assert all(point.value == point.step * 0.25 and point.timestamp == 1_700_000_000_000 + point.step for point in history)
    assert client.get_run(run).data.metrics == {"loss": (points - 1) * 0.25}


def test_history_of_a_metric_that_nobody_logged_is_empty(client, run):
    assert client.get_metric_history(run, "nothing") == []


def test_equal_points_are_kept_once(client, run):
    point = Metric("loss", 0.5, 1000, 1)
    client.log_batch(run, [point, point])
    client.log_batch(run, [point, Metric("loss", 0.75, 1000, 1)])
    assert sorted(kept.value for kept in client.get_metric_history(run, "loss")) == [0.5, 0.75]


def test_asynchronous_logging_loses_nothing(client, experiment):
    with mlflow.start_run() as active:
        for step in range(200):
            mlflow.log_metric("loss", step * 0.5, step=step, synchronous=False)
        mlflow.log_params({"depth": 3, "rate": 0.5}, synchronous=False)
        mlflow.set_tag("late", "yes", synchronous=False)
        waited = mlflow.log_metrics({"auc": 0.75}, step=1, synchronous=False)
        waited.wait()
        assert client.get_run(active.info.run_id).data.metrics["auc"] == 0.75
        mlflow.flush_async_logging()
    run = client.get_run(active.info.run_id)
    assert sorted(point.step for point in client.get_metric_history(run.info.run_id, "loss")) == list(range(200))
    assert run.data.params == {"depth": "3", "rate": "0.5"} and run.data.tags["late"] == "yes"
    assert run.data.metrics["loss"] == 99.5


def at_once(count, work):
    """Calls work(0) … work(count - 1), each on a thread of its own; the first exception is raised."""
    failures, gate = [], threading.Barrier(count)

    def one(number):
        try:
            gate.wait(timeout=30)
            work(number)
        except BaseException as failure:  # noqa: BLE001: raised again below
            failures.append(failure)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert not any(thread.is_alive() for thread in threads), "a writer hangs"
    if failures:
        raise failures[0]


def test_eight_threads_write_one_run(client, run):
    def work(number):
        for step in range(25):
            client.log_metric(run, "shared", number * 100 + step, timestamp=1000 + number, step=step)
            client.log_batch(run, [Metric(f"own-{number}", step, 1000, step), Metric("batched", number, 1000 + step, step)],
                             [Param(f"p-{number}-{step}", str(step))], [RunTag("last", str(number))])

    at_once(8, work)
    assert len(client.get_metric_history(run, "shared")) == 8 * 25
    assert len(client.get_metric_history(run, "batched")) == 8 * 25
    data = client.get_run(run).data
    assert data.metrics["shared"] == 724 and data.metrics["batched"] == 7  # the greatest step, then time, then value
    for number in range(8):
        assert [point.step for point in client.get_metric_history(run, f"own-{number}")] == list(range(25))
    assert len(data.params) == 8 * 25 and data.tags["last"] in "01234567"


def test_eight_threads_write_runs_of_their_own(client, experiment):
    def work(number):
        for turn in range(4):
            run = client.create_run(experiment, run_name=f"{number}-{turn}").info.run_id
            client.log_batch(run, [Metric("loss", number * 10 + turn, 1000 + step, step) for step in range(50)])
            client.set_terminated(run)

    at_once(8, work)
    found = client.search_runs([experiment])
    assert {run.info.run_name: run.data.metrics["loss"] for run in found} == {
        f"{number}-{turn}": float(number * 10 + turn) for number in range(8) for turn in range(4)}
    assert all(run.info.status == "FINISHED" for run in found)


def test_only_one_of_eight_threads_sets_a_param(client, run):
    won, lost = [], []

    def work(number):
        try:
            client.log_param(run, "winner", number)
            won.append(number)
        except mlflow.MlflowException as refusal:
            assert refusal.error_code == "INVALID_PARAMETER_VALUE", refusal
            lost.append(number)

    at_once(8, work)
    assert len(won) == 1 and len(lost) == 7
    assert client.get_run(run).data.params == {"winner": str(won[0])}


def test_what_is_sent_again_after_a_lost_answer_counts_once(server, client, run):
    with LossyProxy(server.url) as proxy:
        lossy = MlflowClient(proxy.url, proxy.url)
        steps = range(1000)
        proxy.lose("/runs/log-batch", 1)
        lossy.log_batch(run, [Metric("batch", step * 0.5, 1000 + step, step) for step in steps], [Param("depth", "3")], [RunTag("a", "b")])
        proxy.lose("/runs/log-metric", 1)
        lossy.log_metric(run, "single", 0.5, timestamp=1000, step=1)
        proxy.lose("/runs/log-parameter", 1)
        lossy.log_param(run, "rate", 0.1)
        proxy.lose("/runs/set-tag", 1)
        lossy.set_tag(run, "kept", "yes")
        assert proxy.lost == 4, "the proxy must have dropped an answer of each kind"
    assert [point.step for point in client.get_metric_history(run, "batch")] == list(steps)
    assert len(client.get_metric_history(run, "single")) == 1
    data = client.get_run(run).data
    assert data.params == {"depth": "3", "rate": "0.1"} and data.tags["kept"] == "yes" and data.tags["a"] == "b"


def test_a_refusal_is_told_at_once(client, run, refused):
    began = time.monotonic()
    with refused("INVALID_PARAMETER_VALUE"):
        client.log_batch(run, [Metric("loss", 1.0, -5, 0)])
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs(["0"], "metrics.loss >")
    assert time.monotonic() - began < 5, "the client tried again what can't succeed: was it a 5xx?"
