"""MLflow's client for Java, unmodified: the program in java/ asks everything that it can, step by step; each step is a test.

Its jars come with deps/fetch (pinned in deps/pins.txt), and are checked again before they are used. Files of runs it has MLflow's Python
carry: this environment's. A machine without a JDK or the jars skips the tests loudly; with CI set they fail.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import requests

pytestmark = pytest.mark.any_client
HERE = Path(__file__).resolve().parent
PINS = HERE.parents[1] / "deps" / "pins.txt"
CACHE = Path(os.environ.get("MARTLET_DEPS_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "martlet" / "deps")
PACKAGE = "mlflowjava"
STEPS = [line for line in (HERE / "java" / "steps.txt").read_text().splitlines() if line]


def cannot(why):
    """Says loudly why there is nothing to test with; a failure in CI, where setup promised it."""
    if os.environ.get("CI"):
        pytest.fail(f"MLflow's client for Java can't be tested: {why}", pytrace=False)
    pytest.skip(f"NOT TESTED: MLflow's client for Java: {why}")


def pinned():
    """The jars that deps/pins.txt names, each with its hash."""
    rows = [line.split() for line in PINS.read_text().splitlines()]
    return {CACHE / f"{PACKAGE}-{row[1]}" / row[2]: row[3] for row in rows if row and row[0] == PACKAGE}


@pytest.fixture(scope="module")
def jars():
    if not shutil.which("javac"):
        cannot("there is no JDK; `make setup` installs openjdk-17-jdk-headless")
    found = pinned()
    assert found, f"{PINS} pins no {PACKAGE}"
    missing = [str(jar) for jar in found if not jar.is_file()]
    if missing:
        cannot(f"{', '.join(missing)} isn't there; deps/fetch fetches it with Maven, and says why when it can't")
    for jar, digest in found.items():
        assert hashlib.sha256(jar.read_bytes()).hexdigest() == digest, f"{jar} isn't what {PINS} pins"
    return os.pathsep.join(map(str, found))


@pytest.fixture(scope="module")
def told(jars, server, tmp_path_factory):
    """What the program told: the verdict of each step, in their order, and the suffix of its names."""
    folder = tmp_path_factory.mktemp("java")
    suffix = uuid.uuid4().hex[:8]
    sources = sorted((HERE / "java").glob("*.java"))
    subprocess.run(["javac", "-encoding", "UTF-8", "-Xlint:all,-deprecation", "-Werror", "-cp", jars, "-d", folder / "classes", *sources], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "JAVA_TOOL"))}
    env = {**kept, "MLFLOW_PYTHON_EXECUTABLE": sys.executable, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
           "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "LC_ALL": "C.UTF-8"}
    finished = subprocess.run(["java", "-Dfile.encoding=UTF-8", "-Xmx256m", "-cp", f"{folder / 'classes'}{os.pathsep}{jars}", "Main", server.url, folder, suffix],
                              env=env, capture_output=True, encoding="utf-8", timeout=500)
    verdicts = {}
    for line in finished.stdout.splitlines():
        name, verdict, why = line.split("\t")
        assert name not in verdicts, f"two steps are named {name}"
        verdicts[name] = (verdict, why)
    assert finished.returncode == 0, finished.stderr[-4000:]
    return verdicts, suffix


def test_the_program_runs_the_steps_that_are_listed(told):
    assert list(told[0]) == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_step(told, step):
    assert step in told[0], "the program never came to it"
    verdict, why = told[0][step]
    assert verdict == "OK", why


def test_what_java_logged_is_what_others_read(told, server):
    """The same run without a client in between: steps and times are numbers, whatever the Java client sent them as."""
    def ask(path, **more):
        answer = requests.request("POST" if more else "GET", f"{server.url}/api/2.0/mlflow/{path}", timeout=60, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    experiment = ask(f"experiments/get-by-name?experiment_name=runs-{told[1]}")["experiment"]["experiment_id"]
    runs = ask("runs/search", json={"experiment_ids": [experiment], "filter": "attributes.run_name = 'first'"})["runs"]
    assert len(runs) == 1
    data = {kind: {item["key"]: item for item in runs[0]["data"][kind]} for kind in ("params", "metrics", "tags")}
    assert {key: item["value"] for key, item in data["params"].items()} == {"rounds": "100", "path/with spaces": "ß ≤ ü", "depth": "7"}
    assert data["tags"]["kind"]["value"] == "größe"
    loss = data["metrics"]["loss"]
    assert (loss["value"], int(loss["step"]), int(loss["timestamp"])) == (0.75, 3, 1000)
    points = ask(f"metrics/get-history?run_id={runs[0]['info']['run_id']}&metric_key=long")["metrics"]
    assert [(point["value"], int(point["step"])) for point in points] == [(step * 0.5, step) for step in range(1500)]
    files = ask(f"experiments/get-by-name?experiment_name=artifacts-{told[1]}")["experiment"]["experiment_id"]
    run = ask("runs/search", json={"experiment_ids": [files]})["runs"][0]["info"]["run_id"]
    listed = ask(f"artifacts/list?run_id={run}&path=tree/deep")["files"]
    assert {item["path"]: int(item.get("file_size") or 0) for item in listed if not item["is_dir"]} == {"tree/deep/large.bin": 3 << 20}
