"""A small synthetic project: will an order be good? A time column, a category, missing values, a KPI with a value expression."""
import numpy as np
import pandas as pd

PROJECT = """version: 1
project: orders

problem:
  question: Will this order be good?
  decision: Good orders are shipped first.
  owner: shop
  task: binary
  target: good
  time: at
  zone: UTC
  key: [id]
  baselines:
    - {name: blue orders, rule: "colour = 'blue'"}
    - {name: colour average, group_mean: [colour]}
  kpis:
    - name: gain
      value: "case when predicted and actual then 10 when predicted then -6 else 0 end"
      unit: EUR
      goal: ">= baseline"
      confidence: 0.95
    - {name: ranking, metric: auc}

data:
  sources:
    orders: {files: orders.csv, csv: {types: {at: timestamp}}}
  datasets:
    orders:
      sql: "select * from orders"
      expect:
        - {column: id, unique: true, nulls: 0}
        - {column: colour, in: [red, green, blue]}

split: {by: time, train: 60%, validation: 20%, test: 20%}

models:
  candidates:
    - logistic
    - lightgbm: {rounds: 20, num_leaves: 7}
  seed: 3
"""
STEPS = ["ingest:orders", "leakage", "split", "baselines", "train:logistic", "train:lightgbm", "select", "evaluate", "package",
         "register"]


def rows(count=3000, seed=7, signal=True, begin="2024-01-01"):
    random = np.random.default_rng(seed)
    x, z = random.normal(size=count), random.normal(size=count)
    colour = random.choice(["red", "green", "blue"], count)
    strength = 2.2 * x - 1.5 * z * (colour == "red") + 0.8 * (colour == "blue") - 0.7 if signal else np.zeros(count)
    frame = pd.DataFrame({
        "id": np.arange(count),
        "at": pd.date_range(begin, periods=count, freq="15min").strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x": np.round(x, 4),
        "z": np.round(z, 4),
        "colour": colour,
        "good": random.random(count) < 1 / (1 + np.exp(-strength)),
    })
    frame.loc[random.random(count) < 0.05, "z"] = np.nan
    return frame


def make(folder, project=PROJECT, **how):
    """Writes martlet.yaml and orders.csv into the folder; gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "martlet.yaml").write_text(project)
    rows(**how).to_csv(folder / "orders.csv", index=False)
    return folder
