"""The peer of bench/drift. peer.py make FOLDER ROWS | all FOLDER | tests FOLDER"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def make(folder, rows):
    for name, seed in (("reference", 1), ("current", 2)):
        random = np.random.default_rng(seed)
        columns = {f"n{i:02d}": random.normal(0, 1, rows) if i % 3 else np.exp(random.normal(0, 1, rows)) for i in range(14)}
        moved = name == "current"
        if moved:
            columns["n00"] = columns["n00"] + .05
            columns["n01"] = columns["n01"] * 1.1
            columns["n02"] = np.where(random.random(rows) < .1, random.normal(2, .5, rows), columns["n02"])
            columns["n03"] = columns["n03"] + .01
        for i, count in enumerate((3, 8, 20, 50, 200, 1000)):
            share = 1 / np.arange(1, count + 1)
            if moved and i < 2:
                share = share * np.linspace(1, 1.15, count)
            columns[f"c{i:02d}"] = np.array([f"v{j:04d}" for j in range(count)])[random.choice(count, rows, p=share / share.sum())]
        partial = folder / (name + ".new")
        pd.DataFrame(columns).to_parquet(partial)
        partial.rename(folder / (name + ".parquet"))


def compare(folder, everything):
    from scipy import stats
    from scipy.spatial.distance import jensenshannon
    before, now = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "current"))
    for column in before:
        if column[0] == "n":
            x, y = before[column].to_numpy(), now[column].to_numpy()
            stats.ks_2samp(x, y, method="asymp")
            if not everything:
                continue
            stats.wasserstein_distance(x, y)
            edges = np.quantile(x, np.linspace(0, 1, 11))
            edges[0], edges[-1] = -np.inf, np.inf
            f, g = np.histogram(x, edges)[0] / len(x), np.histogram(y, edges)[0] / len(y)
        else:
            x, y = before[column].value_counts(), now[column].value_counts()
            names = x.index.union(y.index)
            x, y = x.reindex(names, fill_value=0), y.reindex(names, fill_value=0)
            stats.chi2_contingency([x, y])
            f, g = (x / len(before)).to_numpy(), (y / len(now)).to_numpy()
        if everything:
            f, g = f + 1e-9, g + 1e-9
            ((g - f) * np.log(g / f)).sum()
            jensenshannon(f, g)


verb, folder, *rest = sys.argv[1:]
if verb == "make":
    make(Path(folder), int(rest[0]))
else:
    compare(Path(folder), verb == "all")
