"""Writes NAME.model.txt and NAME.cases.txt with LightGBM 4.7.0 (numpy needed): models of every kind that the engine reads, and what
LightGBM itself predicts for rows with missing, tiny, huge, unseen and negative values.

A case is one line: the features, the raw score and the score, as hexadecimal floats.
"""
import sys
import lightgbm as lgb
import numpy as np

assert lgb.__version__ == "4.7.0", lgb.__version__
rng = np.random.default_rng(7)


def numbers(rows, width, missing):
    x = rng.normal(size=(rows, width)) * np.array([1.0, 10.0, 1e-3, 1e6, 1.0][:width])
    x[:, 0] = np.round(x[:, 0], 1)  # ties and zeros
    x[rng.random((rows, width)) < 0.05] = 0.0
    if missing:
        x[rng.random((rows, width)) < 0.15] = np.nan
    return x


EXTREMES = [np.nan, 0.0, -0.0, np.inf, -np.inf, 1e-35, -1e-35, 1e-36, -1e-36, 1.0000000180025095e-35, 5e-324, 1e300, -1e308, 0.5, -0.5,
            -0.3, 1.0, 2.7, 31.0, 32.0, 63.9, 100.0, 2147483647.0, 2147483648.0, -2147483649.0, 1e18]


def rows_to_try(x, count=60):
    width = x.shape[1]
    some = x[rng.choice(len(x), count, replace=False)]
    wild = rng.choice(EXTREMES, size=(count, width))
    both = np.where(rng.random((count, width)) < 0.5, x[rng.choice(len(x), count)], rng.choice(EXTREMES, size=(count, width)))
    return np.vstack([some, wild, both])


def show(value):
    return "nan" if np.isnan(value) else "inf" if value == np.inf else "-inf" if value == -np.inf else float(value).hex()


def write(name, params, x, y, rounds=10, categorical="auto"):
    params = {"verbosity": -1, "num_threads": 1, "seed": 3, "deterministic": True, "force_col_wise": True, "num_leaves": 12,
              "min_data_in_leaf": 5, **params}
    booster = lgb.train(params, lgb.Dataset(x, y, categorical_feature=categorical, params=params), rounds)
    text = booster.model_to_string()
    booster = lgb.Booster(model_str=text)
    rows = rows_to_try(x, 40 if rounds >= 10 else 10)
    raw = booster.predict(rows, raw_score=True)
    if booster.params.get("boosting") == "rf" or "average_output" in text:
        raw = raw / booster.num_trees()  # LightGBM gives the sum, ours is what the link is applied to
    score = booster.predict(rows)
    with open(f"{name}.model.txt", "w") as out:
        out.write(text)
    with open(f"{name}.cases.txt", "w") as out:
        for row, r, s in zip(rows, raw, score):
            out.write(" ".join(show(v) for v in [*row, r, s]) + "\n")


x = numbers(600, 4, True)
signal = np.nan_to_num(x[:, 0]) - 0.1 * np.nan_to_num(x[:, 1]) + np.isnan(x[:, 2])
binary = (signal + rng.normal(size=600) > 0).astype(float)
amount = signal * 3 + rng.normal(size=600)
count = rng.poisson(np.exp(np.clip(signal / 4, -3, 3))).astype(float)
write("binary_nan", {"objective": "binary"}, x, binary)
write("binary_sigmoid", {"objective": "binary", "sigmoid": 0.7}, x, binary, 4)
write("regression_zero", {"objective": "regression", "zero_as_missing": True}, x, amount)
write("regression_no_missing", {"objective": "regression", "use_missing": False}, x, amount)
write("regression_sqrt", {"objective": "regression", "reg_sqrt": True}, x, amount, 4)
for objective in ["regression_l1", "huber", "fair", "quantile", "mape"]:
    write(objective, {"objective": objective}, x, amount, 3)
for objective in ["poisson", "gamma", "tweedie"]:
    write(objective, {"objective": objective}, x, count + (objective == "gamma") * 0.5, 3)
write("cross_entropy", {"objective": "cross_entropy"}, x, binary, 3)
write("random_forest", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.7, "objective": "regression"}, x,
      amount, 6)
write("constant", {"objective": "binary", "min_data_in_leaf": 10000}, x, binary, 2)

c = np.column_stack([rng.integers(0, 70, 600).astype(float), rng.integers(0, 4, 600).astype(float), x[:, 0]])
c[rng.random(600) < 0.1, 0] = np.nan
shift = rng.normal(size=70)
label = (np.where(np.isnan(c[:, 0]), 0.5, shift[np.nan_to_num(c[:, 0]).astype(int)]) + (c[:, 1] == 2) + rng.normal(size=600) * 0.5 > 0.5)
write("categories", {"objective": "binary", "min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 4}, c, label.astype(float), 12,
      [0, 1])

tiny = rng.choice([1e-36, -1e-36, 1e-35, 2e-35, -2e-35, 0.0, 1e-30, 1.0, 1e300, -1e300, np.nan], size=(600, 3))
write("extremes", {"objective": "regression", "min_data_in_bin": 1}, tiny, np.nan_to_num(np.sign(tiny[:, 0])) + (tiny[:, 1] > 0.5), 12)
print("written with", lgb.__version__, "on", sys.version.split()[0])
