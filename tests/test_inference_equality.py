"""Our inference engine against LightGBM 4.7.0's own predict, bit for bit, on rows with missing values, categories, values at the
thresholds themselves, infinities and values never seen in training."""
import subprocess

import lightgbm
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from program import PROGRAM, WRONG_CALL, environment, martlet

ROWS = 1_000_000
TRAINED = 20_000


@pytest.fixture(scope="module", autouse=True)
def verb_exists():
    if subprocess.run([PROGRAM, "predict-model", "--help"], capture_output=True, env=environment()).returncode != 0:
        pytest.skip("this program has no verb predict-model")


def matrix(random, rows):
    """Six numbers (one skewed, one mostly zero, one in steps, one float32) and two categories, all with holes."""
    columns = [random.normal(size=rows), random.lognormal(sigma=2, size=rows), random.normal(size=rows) * (random.random(rows) < 0.2),
               np.round(random.normal(size=rows) * 4) / 4, random.normal(size=rows).astype(np.float32).astype(float),
               random.uniform(-1e9, 1e9, size=rows), random.integers(0, 12, rows).astype(float),
               random.integers(0, 80, rows).astype(float)]
    values = np.column_stack(columns)
    for column, share in ((0, 0.1), (3, 0.3), (5, 0.02), (6, 0.1), (7, 0.05)):
        values[random.random(rows) < share, column] = np.nan
    return values


def label(random, values):
    x = np.nan_to_num(values)
    return x[:, 0] + np.log1p(np.abs(x[:, 1])) - 2 * (x[:, 2] > 0.5) + (x[:, 6] % 3) - 0.5 * (x[:, 7] > 40) * x[:, 3] \
        + np.isnan(values[:, 0]) + random.normal(size=len(values))


def train(parameters, random, zero_as_missing=False):
    values = matrix(random, TRAINED)
    target = label(random, values)
    if parameters["objective"] == "binary":
        target = (target > np.median(target)).astype(float)
    if parameters["objective"] == "poisson":
        target = np.floor(np.exp(np.clip(target, -3, 2)))
    settings = {"num_leaves": 31, "learning_rate": 0.1, "num_threads": 2, "seed": 1, "verbose": -1, "deterministic": True,
                "min_data_per_group": 20, "zero_as_missing": zero_as_missing, **parameters}
    rounds = settings.pop("rounds", 60)
    return lightgbm.train(settings, lightgbm.Dataset(values, target, categorical_feature=[6, 7]), rounds)


def thresholds(booster):
    """Every numerical threshold of the model, with the column that it cuts."""
    found = []
    for tree in booster.dump_model()["tree_info"]:
        nodes = [tree["tree_structure"]]
        while nodes:
            node = nodes.pop()
            if "split_feature" not in node:
                continue
            nodes += [node["left_child"], node["right_child"]]
            if node["decision_type"] == "<=":
                found.append((node["split_feature"], node["threshold"]))
    return found


def hard_rows(booster, random):
    """Rows that sit exactly on thresholds and one step beside them, then odd values in every column."""
    cuts = thresholds(booster)
    rows = []
    for feature, cut in cuts[:: max(1, len(cuts) // 1000)]:
        for value in (cut, np.nextafter(cut, np.inf), np.nextafter(cut, -np.inf)):
            row = matrix(random, 1)[0]
            row[feature] = value
            rows.append(row)
    odd = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-35, -1e-35, 1.0000001e-35, 5e-324, 1e308, -1e308, -1.0, -0.5, 0.5, 11.7, 79.9,
           80.0, 1e6, 2147483647.0, 2147483648.0, -2147483648.0, 3e9]
    for feature in range(8):
        for value in odd:
            row = matrix(random, 1)[0]
            row[feature] = value
            rows.append(row)
    return np.array(rows)


def write(values, booster, path):
    """NaN as null: the verb reads null as NaN."""
    arrays = [pyarrow.array(values[:, number], from_pandas=True) for number in range(values.shape[1])]
    pyarrow.parquet.write_table(pyarrow.table(arrays, names=booster.feature_name()), path)


def ours(booster, values, folder, *flags):
    booster.save_model(folder / "model.txt")
    write(values, booster, folder / "matrix.parquet")
    martlet("predict-model", folder / "model.txt", "--input", folder / "matrix.parquet", "--output", folder / "scores.parquet", *flags)
    return pd.read_parquet(folder / "scores.parquet").score.to_numpy()


def assert_bits_equal(got, wanted, values):
    differing = np.flatnonzero(got.view(np.int64) != wanted.view(np.int64))
    shown = "\n".join(f"row {row}: {got[row]!r}, not {wanted[row]!r}; features {values[row]!r}" for row in differing[:5])
    assert len(differing) == 0, f"{len(differing)} of {len(got)} rows differ\n{shown}"


def test_a_million_rows_with_missing_values_and_categories_score_as_lightgbm_does(tmp_path):
    random = np.random.default_rng(11)
    booster = train({"objective": "binary"}, random)
    # What was saved is what is compared: the text format is part of the path.
    booster = lightgbm.Booster(model_str=booster.model_to_string())
    hard = hard_rows(booster, random)
    values = np.vstack([hard, matrix(random, ROWS - len(hard))])
    assert len(values) == ROWS
    assert_bits_equal(ours(booster, values, tmp_path), booster.predict(values, num_threads=2), values)


@pytest.mark.parametrize("parameters, zero_as_missing", [
    ({"objective": "regression"}, False),
    ({"objective": "regression", "linear_tree": False, "max_depth": 2, "rounds": 200}, False),
    ({"objective": "binary", "num_leaves": 255, "min_data_in_leaf": 2, "rounds": 10}, False),
    ({"objective": "binary", "boosting": "dart"}, False),
    ({"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}, False),
    ({"objective": "poisson"}, False),
    ({"objective": "binary", "max_cat_to_onehot": 100}, False),
    ({"objective": "binary", "use_missing": False}, False),
    ({"objective": "regression"}, True),
], ids=["regression", "stumps", "deep", "dart", "forest", "poisson", "onehot", "no-missing", "zero-as-missing"])
def test_every_kind_of_model_scores_as_lightgbm_does(tmp_path, parameters, zero_as_missing):
    random = np.random.default_rng(5)
    booster = lightgbm.Booster(model_str=train(parameters, random, zero_as_missing).model_to_string())
    values = np.vstack([hard_rows(booster, random), matrix(random, 20_000)])
    assert_bits_equal(ours(booster, values, tmp_path), booster.predict(values), values)
    # LightGBM leaves the raw score of a forest a sum; ours is the mean that the score is made of.
    raw = booster.predict(values, raw_score=parameters.get("boosting") != "rf")
    assert_bits_equal(ours(booster, values, tmp_path, "--raw"), raw, values)


@pytest.fixture(scope="module")
def model_text():
    return train({"objective": "binary", "rounds": 5}, np.random.default_rng(3)).model_to_string()


@pytest.mark.parametrize("change", ["truncated", "child out of range", "feature out of range", "leaf count wrong", "not a model",
                                    "empty", "category bits out of range"])
def test_a_broken_model_file_is_refused_and_writes_nothing(tmp_path, model_text, change):
    lines = model_text.split("\n")

    def edit(key, edited):
        for number, line in enumerate(lines):
            if line.startswith(key + "="):
                lines[number] = key + "=" + edited(line.split("=", 1)[1])
                return "\n".join(lines)
        raise AssertionError(f"the model has no {key}")

    broken = {
        "truncated": lambda: model_text[:len(model_text) // 3],
        "child out of range": lambda: edit("left_child", lambda text: "99999 " + text.split(" ", 1)[1]),
        "feature out of range": lambda: edit("split_feature", lambda text: "4000 " + text.split(" ", 1)[1]),
        "leaf count wrong": lambda: edit("num_leaves", lambda text: "30000"),
        "not a model": lambda: "hello\n",
        "empty": lambda: "",
        "category bits out of range": lambda: edit("cat_boundaries", lambda text: text.rsplit(" ", 1)[0] + " 4000000"),
    }[change]()
    (tmp_path / "model.txt").write_text(broken)
    booster = lightgbm.Booster(model_str=model_text)
    write(matrix(np.random.default_rng(1), 10), booster, tmp_path / "matrix.parquet")
    call = martlet("predict-model", tmp_path / "model.txt", "--input", tmp_path / "matrix.parquet", "--output",
                   tmp_path / "scores.parquet", expect=None)
    assert call.status in (1, 2, 3), str(call)
    assert "damaged" in call.err
    assert not (tmp_path / "scores.parquet").exists()


def test_a_matrix_of_another_width_is_refused(tmp_path, model_text):
    (tmp_path / "model.txt").write_text(model_text)
    pd.DataFrame({"a": [1.0], "b": [2.0]}).to_parquet(tmp_path / "matrix.parquet")
    call = martlet("predict-model", tmp_path / "model.txt", "--input", tmp_path / "matrix.parquet", "--output",
                   tmp_path / "scores.parquet", expect=(1, WRONG_CALL))
    assert "8" in call.err and "2" in call.err


def test_the_error_of_a_broken_model_names_its_file(tmp_path, model_text):
    (tmp_path / "model.txt").write_text(model_text[:len(model_text) // 3])
    matrix_rows = matrix(np.random.default_rng(1), 10)
    write(matrix_rows, lightgbm.Booster(model_str=model_text), tmp_path / "matrix.parquet")
    call = martlet("predict-model", tmp_path / "model.txt", "--input", tmp_path / "matrix.parquet", "--output",
                   tmp_path / "scores.parquet", expect=None)
    assert "model.txt" in call.err
