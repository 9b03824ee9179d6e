"""A server that is killed and started again under its clients: what it acknowledged is there, and the clients only wait.

Of martlet only: the real server takes longer to start than a client is patient here.
"""
import threading
import time

import pytest
import tracking_server
from mlflow import MlflowClient
from mlflow.entities import Metric


@pytest.fixture
def own_server(request, tmp_path):
    if request.config.getoption("--server") == "real":
        pytest.skip("the real server takes 25 s to start, longer than the client tries here")
    with tracking_server.TrackingServer("martlet", tmp_path) as running:
        yield running, tmp_path


def test_a_killed_server_comes_back_with_all_it_acknowledged(own_server):
    server, folder = own_server
    client = MlflowClient(server.url, server.url)
    experiment = client.create_experiment("killed")
    runs = [client.create_run(experiment).info.run_id for _ in range(4)]
    acknowledged, failures, over = {run: [] for run in runs}, [], threading.Event()

    def write(run):
        step = 0
        while not over.is_set():
            try:
                client.log_batch(run, [Metric("loss", step * 0.5 + part, 1000 + step, step) for part in range(3)])
            except Exception as failure:  # noqa: BLE001: asserted below
                failures.append(failure)
                return
            acknowledged[run].append(step)
            step += 1

    writers = [threading.Thread(target=write, args=(run,)) for run in runs]
    for writer in writers:
        writer.start()
    restarted = server
    for _ in range(3):
        before = {run: len(steps) for run, steps in acknowledged.items()}
        deadline = time.monotonic() + 30
        while any(len(acknowledged[run]) < before[run] + 5 for run in runs) and time.monotonic() < deadline and not failures:
            time.sleep(0.01)
        restarted.kill()
        restarted = tracking_server.TrackingServer("martlet", folder, port=server.port)
    over.set()
    for writer in writers:
        writer.join(timeout=60)
    try:
        assert not failures, failures
        assert all(len(steps) >= 15 for steps in acknowledged.values()), "the writers must have written between the kills"
        for run, steps in acknowledged.items():
            history = [(point.step, point.value) for point in client.get_metric_history(run, "loss")]
            # Every acknowledged batch whole and once, although the client sent some again; nothing else.
            assert sorted(history) == [(step, step * 0.5 + part) for step in steps for part in range(3)]
    finally:
        restarted.stop()


def test_a_stopped_server_finishes_what_it_was_asked(own_server):
    server, folder = own_server
    client = MlflowClient(server.url, server.url)
    run = client.create_run("0", run_name="kept").info.run_id
    client.log_text(run, "kept", "a.txt")
    client.create_registered_model("kept")
    server.stop()
    assert server.process.returncode == 0, server.said()
    with tracking_server.TrackingServer("martlet", folder, port=server.port):
        again = MlflowClient(server.url, server.url)
        assert again.get_run(run).info.run_name == "kept"
        assert [file.path for file in again.list_artifacts(run)] == ["a.txt"]
        assert again.get_registered_model("kept").name == "kept"
