"""Batch scoring: 500 trees of 31 leaves over 28 features, one million rows; each answer compared bit for bit.

1. The engine alone: LightGBM's Booster.predict and ours on the same matrix in memory, the same number of threads.
2. File to file: `martlet predict` (registered model, feature program, engine) against LightGBM with pyarrow.
"""
import json
import os
import shutil

from measured import WORK, Contender, run

ROWS = 1_000_000
PROJECT = """version: 1
project: scores
problem:
  question: Signal or background?
  decision: Signals are kept.
  owner: bench
  task: binary
  target: y
  key: [id]
  kpis:
    - {name: ranking, metric: auc}
data:
  sources:
    train: {files: train.parquet}
  datasets:
    train: {sql: "select * from train"}
split: {by: random, train: 80%, validation: 10%, test: 10%}
models:
  candidates:
    - lightgbm: {rounds: 500, num_leaves: 31, early_stopping: 0}
  seed: 1
"""


def scoring_seconds(out):
    return json.loads(out)["scoring_seconds"]


def measure(bench):
    folder = WORK / "batch"
    folder.mkdir(parents=True, exist_ok=True)
    rows = int(ROWS * bench.rows)
    here = os.path.dirname(os.path.abspath(__file__))
    peer = [bench.python, os.path.join(here, "peer.py")]
    threads = str(len(os.sched_getaffinity(0)))
    matrix = folder / f"matrix-{rows}.parquet"
    if not matrix.exists():
        run([*peer, "make", folder, rows])
    model = folder / "model.txt"
    ours = folder / "ours.parquet"
    theirs = folder / "theirs.parquet"
    bench.compare("batch, engine alone",
                  Contender("martlet", [bench.martlet, "predict-model", model, "--input", matrix, "--output", ours, "--json"],
                            figure=scoring_seconds),
                  Contender("LightGBM Booster.predict, float64 matrix", [*peer, "predict", model, matrix, theirs, threads],
                            figure=scoring_seconds),
                  rows=rows, repeat=3, warm=False, note="scoring in memory only; both use all threads")
    run([*peer, "equal", ours, theirs])
    print("  every score has the same bits")
    bench.compare("batch, file to file, bare model",
                  Contender("martlet predict-model", [bench.martlet, "predict-model", model, "--input", matrix, "--output", ours]),
                  Contender("LightGBM + pyarrow", [*peer, "file", model, matrix, theirs, threads]),
                  rows=rows, repeat=3, warm=False)
    whole_way(bench, folder, peer, folder / f"rows-{rows}.parquet", rows, threads)


def whole_way(bench, folder, peer, source, rows, threads):
    project = folder / "project"
    if not (project / "done").exists():
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir()
        (project / "martlet.yaml").write_text(PROJECT)
        shutil.copy(folder / "train.parquet", project / "train.parquet")
        run([bench.martlet, "run", "--project", project / "martlet.yaml"])
        (project / "done").touch()
    scores = folder / "scores.parquet"
    bench.compare("batch, file to file, registered model",
                  Contender("martlet predict", [bench.martlet, "predict", "scores", "--project", project / "martlet.yaml", "--input", source,
                                                "--output", scores, "--only-key"]),
                  Contender("LightGBM + pyarrow", [*peer, "file", folder / "model.txt", source, folder / "theirs.parquet", threads]),
                  rows=rows, repeat=3, warm=False, note="the feature program runs too")
