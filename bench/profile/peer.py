"""The peers of bench/profile. peer.py make FILE ROWS | summarize FILE | polars FILE"""
import sys
from pathlib import Path

CHUNK = 1_000_000
COLOURS = ["red", "green", "blue", "black", "white", "grey", "pink", "BAD"]
COUNTRIES = ["US", "DE", "FR", "GB", "CN", "IN", "BR", "JP", "NG", "ZZ"]


def make(target, rows):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    random = np.random.default_rng(5)
    segments = np.array([f"seg_{i:02d}" for i in range(50)])
    cities = np.array([f"city_{i:05d}" for i in range(10_000)])

    def holes(values, share):
        return pa.array(values, mask=random.random(len(values)) < share)

    def chunk(begin, n):
        index = np.arange(begin, begin + n, dtype=np.int64)
        ids = index.copy()
        times = 1_700_000_000_000_000 + index * 1_000_000 + random.integers(0, 999_999, n)
        user = np.char.add("u", np.char.zfill(ids.astype("U9"), 9))
        mail = np.char.add(np.char.add("user", (ids % 3_000_000).astype("U9")), "@example.com")
        return pa.table({
            "id": pa.array(ids),
            "age": pa.array(random.integers(18, 95, n).astype(np.int32)),
            "visits": holes(random.poisson(3, n).astype(np.int32), .03),
            "amount_cents": pa.array(random.integers(0, 10 ** 7, n)),
            "score": pa.array(random.standard_normal(n).astype(np.float32)),
            "income": pa.array(np.exp(random.normal(10, 1, n))),
            "ratio": holes(random.random(n), .05),
            "temp": holes(random.normal(15, 9, n), .2),
            "uniform": pa.array(random.random(n)),
            "outliers": pa.array(np.where(random.random(n) < 1e-4, 1e6, random.normal(0, 1, n))),
            "active": pa.array(random.random(n) < .7),
            "colour": pa.array(np.array(COLOURS)[np.minimum((random.random(n) ** 2 * 7.0001).astype(int), 7)]),
            "segment": holes(segments[random.integers(0, 50, n)], .02),
            "city": pa.array(cities[np.minimum(random.zipf(1.3, n) - 1, 9999)]),
            "user": pa.array(user),
            "email": pa.array(mail),
            "country": pa.array(np.array(COUNTRIES)[random.choice(10, n, p=[.3, .15, .1, .1, .1, .1, .05, .05, .0499, .0001])]),
            "ts": pa.array(times, pa.timestamp("us")),
            "ts_end": pa.array(times + random.integers(0, 10 ** 9, n), pa.timestamp("us"), mask=random.random(n) < .1),
            "day": pa.array((19_000 + index // 86_400 % 365).astype(np.int32), pa.int32()).cast(pa.date32()),
        })

    partial = target.with_name(target.name + ".new")
    writer = None
    for begin in range(0, rows, CHUNK):
        piece = chunk(begin, min(CHUNK, rows - begin))
        writer = writer or pq.ParquetWriter(partial, piece.schema)
        writer.write_table(piece, row_group_size=CHUNK)
    writer.close()
    partial.rename(target)


def summarize(file):
    import duckdb
    print(len(duckdb.sql(f"SUMMARIZE SELECT * FROM read_parquet('{file}')").fetchall()))


def by_polars(file):
    import polars as pl
    import polars.selectors as cs
    frame = pl.scan_parquet(file)
    number = cs.numeric()
    figures = [pl.all().null_count().name.suffix(":nulls"), pl.all().n_unique().name.suffix(":distinct"),
               number.mean().name.suffix(":mean"), number.std().name.suffix(":std"), (number == 0).sum().name.suffix(":zeros"),
               (number | cs.temporal()).min().name.suffix(":min"), (number | cs.temporal()).max().name.suffix(":max"),
               *[number.quantile(q, interpolation="linear").name.suffix(f":{q}") for q in (.25, .5, .75)]]
    print(frame.select(figures).collect().width)
    print(frame.collect().is_duplicated().sum())


verb, *rest = sys.argv[1:]
if verb == "make":
    make(Path(rest[0]), int(rest[1]))
elif verb == "summarize":
    summarize(rest[0])
else:
    by_polars(rest[0])
