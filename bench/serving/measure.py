"""Starts every subject, checks its answers, and lets wrk ask them in turns; see README.md. Called by `run`."""
import argparse
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
COLUMNS = [f"f{i:02d}" for i in range(28)]
TREES, LEAVES = 500, 31
PROJECT = f"""version: 1
project: serving
problem:
  question: Is this row one of the good ones?
  decision: Good rows are kept.
  owner: bench
  task: binary
  target: y
  key: [id]
  baselines: [{{name: first feature, rule: "f00 > 0"}}]
  kpis: [{{name: ranking, metric: auc, goal: ">= 0.6"}}]
data:
  sources: {{rows: {{files: rows.csv}}}}
  datasets: {{rows: {{sql: "select * from rows"}}}}
split: {{by: random, train: 70%, validation: 15%, test: 15%}}
models:
  candidates: [{{lightgbm: {{rounds: {TREES}, num_leaves: {LEAVES}, learning_rate: 0.05, early_stopping: 0}}}}]
  seed: 1
"""


def rows(count, seed):
    """Numeric features of mixed shapes, and a target that takes many trees to follow."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((count, 28))
    x[:, 5] = np.exp(x[:, 5])
    x[:, 9] = np.abs(x[:, 9]) * 3
    x[:, 17] = random.integers(0, 3, count)
    strength = (x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.5 * x[:, 3] ** 2 - 0.5 + x[:, 4] * (x[:, 17] - 1)
                + np.log1p(x[:, 5]) * x[:, 6] + 0.7 * np.tanh(x[:, 7] + x[:, 8] * x[:, 9] / 3) + 0.15 * x[:, 10:16].sum(1))
    good = random.random(count) < 1 / (1 + np.exp(-strength))
    return [[float(f"{value:.6g}") for value in row] for row in x.tolist()], good


def prepare(folder, martlet, count):
    """A project with a live model, its LightGBM text, and request bodies in each protocol."""
    if (folder / "ready").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "martlet.yaml").write_text(PROJECT)
    x, y = rows(count, 7)
    with open(folder / "rows.csv", "w") as file:
        file.write(",".join(["id", *COLUMNS, "y"]) + "\n")
        for number, (row, good) in enumerate(zip(x, y)):
            file.write(f"{number},{','.join(map(repr, row))},{'true' if good else 'false'}\n")
    print(f"bench/serving: training {TREES} trees on {count} rows", flush=True)
    subprocess.run([martlet, "run", "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    model = next((path for path in (folder / ".martlet" / "blobs").rglob("*")
                  if path.is_file() and path.open("rb").read(5) == b"tree\n"), None)
    if model is None:
        sys.exit("bench/serving: the store has no LightGBM text model")
    text = model.read_text()
    if text.count("\nTree=") != TREES:
        sys.exit(f"bench/serving: the model has {text.count('Tree=')} trees, not {TREES}")
    # The peers' order of features is the model's.
    names = re.search(r"^feature_names=(.*)$", text, re.M).group(1).split()
    order = [names.index(column) if column in names else position for position, column in enumerate(COLUMNS)]
    (folder / "model.txt").write_text(text)
    fresh, _ = rows(1000, 99)
    with open(folder / "plain", "w") as plain, open(folder / "v2", "w") as v2, open(folder / "mlflow", "w") as mlflow:
        for row in fresh:
            by_model = [0.0] * len(row)
            for column, place in enumerate(order):
                by_model[place] = row[column]
            plain.write(json.dumps({"inputs": [by_model]}) + "\n")
            v2.write(json.dumps({"inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
                                            for name, value in zip(COLUMNS, row)]}) + "\n")
            mlflow.write(json.dumps({"dataframe_split": {"columns": COLUMNS, "data": [row]}}) + "\n")
    import lightgbm
    expected = lightgbm.Booster(model_str=text).predict(np.array([json.loads(line)["inputs"][0] for line in open(folder / "plain")]))
    (folder / "expected.json").write_text(json.dumps(expected.tolist()))
    (folder / "ready").touch()


class Subject:
    def __init__(self, name, command, path, bodies, port=0, cwd=None, environment=None):
        self.name, self.path, self.bodies, self.port = name, path, bodies, port
        begin = time.monotonic()
        self.process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **(environment or {})}, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if port == 0 else subprocess.DEVNULL, text=True)
        if port == 0:
            for line in self.process.stderr:
                if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                    self.port = int(found.group(1))
                    break
        while True:
            try:
                self.ask(self.bodies.read_text().splitlines()[0])
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - begin > 60:
                    sys.exit(f"bench/serving: {name} does not answer")
                time.sleep(0.005)
        self.start_seconds = time.monotonic() - begin
        self.runs = {1: [], 64: []}

    def ask(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", self.path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            sys.exit(f"bench/serving: {self.name} answers {answer.status}: {text[:500]}")
        return json.loads(text)

    def score(self, body):
        answer = self.ask(body)
        if "outputs" in answer:
            return next(output["data"][0] for output in answer["outputs"] if output["name"] == "score")
        first = answer["predictions"][0]
        return first["score"] if isinstance(first, dict) else first

    def check(self, expected):
        """The largest difference to LightGBM's own answers."""
        bodies = self.bodies.read_text().splitlines()
        worst = max(abs(self.score(body) - value) for body, value in list(zip(bodies, expected))[:100])
        if not worst < 1e-9:
            sys.exit(f"bench/serving: {self.name} is wrong by {worst}")
        return worst

    def load(self, connections, seconds):
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / "post.lua"),
                              f"http://127.0.0.1:{self.port}{self.path}"], env={**os.environ, "BODIES": str(self.bodies)},
                             capture_output=True, text=True, check=True).stdout
        return json.loads(re.search(r"WRK (\{.*\})", out).group(1))

    def memory_mib(self):
        total = 0
        group = os.getpgid(self.process.pid)
        for process in os.listdir("/proc"):
            try:
                if process.isdigit() and os.getpgid(int(process)) == group:
                    text = Path(f"/proc/{process}/smaps_rollup").read_text()
                    total += int(re.search(r"^Rss:\s+(\d+)", text, re.M).group(1))
            except (OSError, AttributeError):
                continue
        return round(total / 1024, 1)

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def martlet_without_log(out, martlet):
    """The same project with a file where the log's folder would be: the server says so once, and answers."""
    folder = out / "project-without-log"
    if not folder.exists():
        shutil.copytree(out / "project", folder)
    shutil.rmtree(folder / ".martlet" / "predictions", ignore_errors=True)
    (folder / ".martlet" / "predictions").touch()
    return folder


def subjects(chosen, out, martlet):
    project = out / "project"
    bodies = {name: project / name for name in ("plain", "v2", "mlflow")}
    model = str(project / "model.txt")
    serve = [martlet, "serve", "--listen", "127.0.0.1:0"]
    v2 = "/v2/models/serving/infer"

    def own(name, port):
        return lambda: Subject(name, [str(out / name), str(port), "2", model], "/predict", bodies["plain"], port)

    def fastapi():
        venv = out / "venv"
        if not (venv / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
            subprocess.run([str(venv / "bin" / "pip"), "install", "--quiet", "-r", str(HERE / "requirements.txt")], check=True)
            (venv / "ready").touch()
        return Subject("fastapi", [str(venv / "bin" / "uvicorn"), "fastapi_app:app", "--host", "127.0.0.1", "--port", "18780",
                                   "--workers", "2", "--log-level", "warning", "--no-access-log"], "/predict", bodies["plain"], 18780,
                       HERE, {"MODEL": model, "OMP_NUM_THREADS": "1"})

    known = {
        "bare_epoll": own("bare_epoll", 18771),
        "bare_other": lambda: Subject("bare_other", [str(out / "bare_other"), "18772", "2", model, "qs"], "/predict", bodies["plain"], 18772),
        "beast": own("beast", 18773),
        "own_loop": own("own_loop", 18774),
        "martlet_v2": lambda: Subject("martlet_v2", serve, v2, bodies["v2"], cwd=project),
        "martlet_mlflow": lambda: Subject("martlet_mlflow", serve, "/invocations", bodies["mlflow"], cwd=project),
        "martlet_mlflow_no_log": lambda: Subject("martlet_mlflow_no_log", serve, "/invocations", bodies["mlflow"],
                                                 cwd=martlet_without_log(out, martlet)),
        "fastapi": fastapi,
    }
    there = [name for name in known if (out / name).exists() or name.startswith("martlet")]
    for name in chosen or there:
        if name not in known:
            sys.exit(f"bench/serving: there is no subject {name}; choose among {', '.join(known)}")
        yield known[name]()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seconds", type=int, default=4)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--rows", type=int, default=100_000, help="for training")
    arguments.add_argument("subjects", nargs="*")
    chosen = arguments.parse_args()
    martlet = os.environ["MARTLET"]
    prepare(chosen.out / "project", martlet, chosen.rows)
    expected = json.loads((chosen.out / "project" / "expected.json").read_text())
    running = []
    try:
        for subject in subjects(chosen.subjects, chosen.out, martlet):
            running.append(subject)
            subject.worst, subject.idle_mib = subject.check(expected), subject.memory_mib()
            subject.load(64, 1)
        # In turns, so that what else the machine does falls on all of them.
        for _ in range(chosen.repeats):
            for subject in running:
                subject.runs[1].append(subject.load(1, max(1, chosen.seconds // 2)))
                subject.runs[64].append(subject.load(64, chosen.seconds))
        results = []
        for subject in running:
            def median(connections, figure):
                return statistics.median(run[figure] for run in subject.runs[connections])
            compiled = chosen.out / f"{subject.name}.compile_seconds"
            results.append({"subject": subject.name, "per_second_64": median(64, "per_second"), "p50_us_64": median(64, "p50_us"),
                            "p99_us_64": median(64, "p99_us"), "per_second_1": median(1, "per_second"), "p50_us_1": median(1, "p50_us"),
                            "p99_us_1": median(1, "p99_us"), "errors": sum(run["errors"] for runs in subject.runs.values() for run in runs),
                            "worst_difference": subject.worst, "start_seconds": round(subject.start_seconds, 3),
                            "idle_mib": subject.idle_mib, "loaded_mib": subject.memory_mib(),
                            "compile_seconds": float(compiled.read_text()) if compiled.exists() else None, "runs": subject.runs})
    finally:
        for subject in running:
            subject.stop()
    report(results, chosen)


def report(results, chosen):
    bound = next((one["per_second_64"] for one in results if one["subject"] in ("bare_other", "bare_epoll")), None)
    by_name = {one["subject"]: one for one in results}
    if "bare_other" in by_name:
        bound = by_name["bare_other"]["per_second_64"]
    print(f"{'subject':24}{'/s, 64':>10}{'of bound':>10}{'p50 64':>9}{'p99 64':>9}{'/s, 1':>9}{'p50 1':>8}{'p99 1':>8}{'idle MiB':>10}{'errors':>8}")
    for one in results:
        one["of_bound"] = round(one["per_second_64"] / bound, 3) if bound else None
        print(f"{one['subject']:24}{one['per_second_64']:10.0f}{one['of_bound'] or 0:10.2f}{one['p50_us_64']:9.0f}{one['p99_us_64']:9.0f}"
              f"{one['per_second_1']:9.0f}{one['p50_us_1']:8.0f}{one['p99_us_1']:8.0f}{one['idle_mib']:10.1f}{one['errors']:8d}")
    (chosen.out / "results.json").write_text(json.dumps(
        {"work": f"{TREES} trees of {LEAVES} leaves, 28 features, one row a request", "seconds": chosen.seconds,
         "repeats": chosen.repeats, "load_average": os.getloadavg(), "results": results}, indent=1) + "\n")
    print(f"written: {chosen.out / 'results.json'}")


if __name__ == "__main__":
    main()
