"""LightGBM's side of bench/batch. peer.py make FOLDER ROWS | predict MODEL IN OUT THREADS | file MODEL IN OUT THREADS | equal A B"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FEATURES = 28
TRAINED = 100_000


def matrix(random, rows):
    return random.normal(size=(rows, FEATURES)).astype(np.float32).astype(np.float64)


def label(random, x):
    signal = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.5 * x[:, 3] ** 2 + x[:, 4] * (x[:, 5] > 0) + 0.3 * x[:, 6:].sum(axis=1)
    return signal + random.normal(size=len(x)) > 0.5


def table(x, **more):
    columns = {f"f{i:02d}": pa.array(np.ascontiguousarray(x[:, i]).astype(np.float32)) for i in range(FEATURES)}
    return pa.table({**columns, **more})


def make(folder, rows):
    import lightgbm
    random = np.random.default_rng(5)
    x = matrix(random, TRAINED)
    y = label(random, x)
    # As the project's split leaves it out of training, the key is no feature.
    pq.write_table(table(x, id=pa.array(np.arange(TRAINED)), y=pa.array(y)), folder / "train.parquet")
    booster = lightgbm.train({"objective": "binary", "num_leaves": 31, "num_threads": 2, "seed": 1, "verbose": -1},
                             lightgbm.Dataset(x, y.astype(float), feature_name=[f"f{i:02d}" for i in range(FEATURES)]), 500)
    booster.save_model(folder / "model.txt")
    features = table(matrix(random, rows))
    keyed = features.append_column("id", pa.array(np.arange(rows)))
    for name, rows_of in (("rows", keyed), ("matrix", features)):
        new = folder / "new.parquet"
        pq.write_table(rows_of, new, compression="snappy", use_dictionary=False, row_group_size=122_880)
        new.rename(folder / f"{name}-{rows}.parquet")


def columns_of(batch):
    return np.column_stack([batch.column(f"f{i:02d}").to_numpy() for i in range(FEATURES)])


def predict(model, source, target, threads):
    import lightgbm
    booster = lightgbm.Booster(model_file=model)
    x = np.ascontiguousarray(columns_of(pq.read_table(source)), dtype=np.float64)
    began = time.perf_counter()
    scores = booster.predict(x, num_threads=threads)
    seconds = time.perf_counter() - began
    pq.write_table(pa.table({"score": scores}), target)
    print(json.dumps({"scoring_seconds": seconds}))


def score_file(model, source, target, threads):
    import lightgbm
    booster = lightgbm.Booster(model_file=model)
    with pq.ParquetWriter(target, pa.schema([("score", pa.float64())])) as writer:
        for batch in pq.ParquetFile(source).iter_batches(batch_size=250_000):
            writer.write_table(pa.table({"score": booster.predict(columns_of(batch), num_threads=threads)}))


def equal(a, b):
    a, b = (pq.read_table(path)["score"].to_numpy().view(np.uint64) for path in (a, b))
    different = int((a != b).sum()) if len(a) == len(b) else max(len(a), len(b))
    if different:
        sys.exit(f"{different} of {len(a)} scores differ")


def main():
    verb, *rest = sys.argv[1:]
    if verb == "make":
        make(Path(rest[0]), int(rest[1]))
    elif verb == "predict":
        predict(*rest[:3], int(rest[3]))
    elif verb == "file":
        score_file(*rest[:3], int(rest[3]))
    else:
        equal(*rest)


main()
