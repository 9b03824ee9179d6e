"""What the tests with MLflow's own clients share. `run` starts pytest once in each client's environment."""
import os
import uuid

# No word leaves this machine, and a 5xx fails a test in seconds instead of minutes. Read by MLflow when it is imported.
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_HTTP_REQUEST_MAX_RETRIES="2",
                  MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR="1", MLFLOW_HTTP_REQUEST_TIMEOUT="60", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
                  MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH="2048", GIT_PYTHON_REFRESH="quiet", MPLBACKEND="Agg")

import mlflow  # noqa: E402
import pytest  # noqa: E402
import requests  # noqa: E402
from mlflow import MlflowClient  # noqa: E402

import tracking_server  # noqa: E402

CLIENT = mlflow.__version__


def pytest_addoption(parser):
    parser.addoption("--server", choices=["martlet", "real"], default="martlet", help="real: `mlflow server`, to prove the tests (by hand)")
    parser.addoption("--at", metavar="URL", help="a running server instead of one that is started")
    parser.addoption("--store", metavar="postgres://…", help="martlet's records lie there; its schema must be new")
    parser.addoption("--blobs", metavar="s3://…", help="martlet's blobs lie there; AWS_… as the server wants them")
    parser.addoption("--record", action="store_true", help="with --server real: writes down how it refuses (refusals-VERSION.json)")


def pytest_configure(config):
    config.addinivalue_line("markers", "any_client: speaks HTTP itself, so that one client's environment is enough")
    config.addinivalue_line("markers", "real_fails(how): the real server falls short of what is asked of martlet here")
    if config.getoption("--record") and config.getoption("--server") != "real":
        raise pytest.UsageError("--record writes down what the real server does: give --server real")


def pytest_collection_modifyitems(config, items):
    for item in items:
        falls_short = item.get_closest_marker("real_fails")
        if falls_short and config.getoption("--server") == "real":
            item.add_marker(pytest.mark.xfail(reason=f"the real server {falls_short.args[0]}", strict=True))
    # What says nothing of the client is asked once, by that of 3.17.
    once = [item for item in items if item.get_closest_marker("any_client") and not CLIENT.startswith("3.17.")]
    if once:
        config.hook.pytest_deselected(items=once)
        items[:] = [item for item in items if item not in once]


def pytest_report_header(config):
    return f"MLflow's client {CLIENT} against {config.getoption('--server')}"


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"SKIPPED LOUDLY: {report.nodeid}: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session")
def server(request, tmp_path_factory):
    kind, url = request.config.getoption("--server"), request.config.getoption("--at")
    place = tracking_server.Place(request.config.getoption("--store"), request.config.getoption("--blobs"))
    running = (tracking_server.RunningServer(kind, url) if url
               else tracking_server.TrackingServer(kind, tmp_path_factory.mktemp("server"), place=place))
    with running:
        mlflow.set_tracking_uri(running.url)
        mlflow.set_registry_uri(running.url)
        yield running


@pytest.fixture(scope="session")
def client(server):
    return MlflowClient(server.url, server.url)


@pytest.fixture(scope="session")
def http(server):
    """http("POST", "runs/create", {...}): the answer as it came, without a client in between."""
    session = requests.Session()

    def call(method, path, body=None, **more):
        path = path if path.startswith("/") else "/api/2.0/mlflow/" + path
        return session.request(method, server.url + path, json=body, timeout=60, **more)

    return call


@pytest.fixture(scope="session")
def unique():
    """unique("orders"): a name that nobody took, also on a server that ran these tests before."""
    return lambda name: f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def experiment(client, unique, request):
    """The id of a fresh experiment, which the fluent calls of the test use."""
    name = unique(request.node.originalname)
    made = client.create_experiment(name)
    mlflow.set_experiment(experiment_id=made)
    yield made
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def run(client, experiment):
    """The id of a fresh run that nobody has entered."""
    return client.create_run(experiment, run_name="first").info.run_id


@pytest.fixture
def refused():
    """with refused("INVALID_PARAMETER_VALUE"): the block must be refused by the server with that code."""
    import contextlib

    from mlflow.exceptions import MlflowException

    @contextlib.contextmanager
    def block(code):
        with pytest.raises(MlflowException) as caught:
            yield caught
        assert caught.value.error_code == code, f"{caught.value.error_code}: {caught.value}"

    return block
