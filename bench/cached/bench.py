"""A run in which nothing has changed: `martlet run` for the second time on a project whose lifecycle has about a hundred steps
(ninety candidates), beside Luigi and make with a hundred finished tasks. martlet compares digests of inputs, parameters and
program, records the run, and makes it durable; Luigi and make look whether a file exists."""
import json
import os
import shutil

from measured import WORK, Contender, run

CANDIDATES = 90
PROJECT = """version: 1
project: cached
problem:
  question: Will it be good?
  decision: Good ones go first.
  owner: bench
  task: binary
  target: good
  key: [id]
  kpis:
    - {name: ranking, metric: auc}
data:
  sources:
    rows: {files: rows.csv}
  datasets:
    rows: {sql: "select * from rows"}
split: {by: random, train: 60%, validation: 20%, test: 20%}
models:
  candidates:
CANDIDATES
  seed: 3
"""


def make_project(bench, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    candidates = "\n".join(f"    - {{logistic: {{c: {0.01 * (i + 1):.2f}}}}}" for i in range(CANDIDATES))
    (folder / "martlet.yaml").write_text(PROJECT.replace("CANDIDATES", candidates))
    lines = ["id,x,z,good"]
    for i in range(1000):
        x, z = (i * 7919 % 1009) / 1009, (i * 104729 % 1013) / 1013
        lines.append(f"{i},{x:.4f},{z:.4f},{'true' if x + 0.3 * z > 0.6 else 'false'}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    steps = json.loads(run([bench.martlet, "run", "--project", folder / "martlet.yaml", "--json"])["out"])["steps"]
    again = json.loads(run([bench.martlet, "run", "--project", folder / "martlet.yaml", "--json"])["out"])["steps"]
    missed = [step["name"] for step in again if not step["cached"]]
    if missed:
        print(f"  not cached: {', '.join(missed)}")
    return len(steps)


def make_chain(folder, count):
    """A Makefile of `count` finished targets, one behind the other."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = [f"all: t{count - 1}"]
    for i in range(count):
        lines += [f"t{i}: {f't{i - 1}' if i else ''}", f"\t@touch t{i}"]
    (folder / "Makefile").write_text("\n".join(lines) + "\n")
    run(["make", "-s", "-C", folder])


def measure(bench):
    folder = WORK / "cached"
    steps = make_project(bench, folder / "project")
    make_chain(folder / "make", steps)
    peer = [bench.python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py"), folder / "luigi", steps]
    shutil.rmtree(folder / "luigi", ignore_errors=True)
    (folder / "luigi").mkdir()
    run(peer)
    bench.compare("cached",
                  Contender("martlet run", [bench.martlet, "run", "--project", folder / "project" / "martlet.yaml", "--json"]),
                  Contender("Luigi", peer),
                  Contender("make", ["make", "-s", "-C", folder / "make"]),
                  repeat=9, note=f"{steps} steps, all of them hits")
