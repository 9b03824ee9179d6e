"""`data profile`, `evaluate` and `drift` against the figures that pandas 3.1.1, scikit-learn 1.9.1, SciPy 1.17.1 and Fairlearn 0.15.0
gave for three public data sets (reference.json in each folder). Those are rounded to six decimals, hence the tolerance."""
import json

import numpy as np
import pandas as pd
import pytest
from program import martlet
from sklearn.metrics import average_precision_score, log_loss

TOLERANCE = 1e-6
ADULT = ("age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain "
         "capital_loss hours_per_week native_country income").split()
ADULT_FLAGS = ["--no-header", "--names", ",".join(ADULT), "--null", "?", "--trim"]
HOTEL_NULLS = ["--null", "NULL", "--null", "NA"]
MONTHS = ("January February March April May June July August September October November December").split()


def reference(folder, name):
    return json.loads((folder / name / "reference.json").read_text())


class Differences:
    """Collects every figure that is off, so that one run shows them all."""

    def __init__(self):
        self.found = []

    def number(self, what, got, wanted, tolerance=TOLERANCE):
        if wanted is None:
            if got is not None:
                self.found.append(f"{what}: {got!r}, not null")
        elif got is None or not abs(got - wanted) <= tolerance:
            self.found.append(f"{what}: {got!r}, not {wanted!r}")

    def same(self, what, got, wanted):
        if got != wanted:
            self.found.append(f"{what}: {got!r}, not {wanted!r}")

    def none(self):
        assert not self.found, "\n".join(self.found)


def compare_profiles(got, wanted):
    off = Differences()
    off.same("rows", got["rows"], wanted["rows"])
    off.same("duplicate rows", got["duplicate_rows"], wanted["dup_rows"])
    off.same("missing cells", sum(column["nulls"] for column in got["columns"]), wanted["null_cells"])
    off.same("columns", [column["name"] for column in got["columns"]], list(wanted["cols"]))
    for column in got["columns"]:
        name, figures = column["name"], wanted["cols"].get(column["name"], {})
        for key in ("nulls", "distinct"):
            off.same(f"{name}.{key}", column[key], figures[key])
        if figures["dtype"] == "number":
            assert column["type"] in ("number", "integer"), f"{name} is read as {column['type']}"
            off.same(f"{name}.zeros", column["zeros"], figures["zeros"])
            for ours, theirs in (("min", "min"), ("max", "max"), ("mean", "mean"), ("stddev", "std_ddof1"), ("p25", "p25"),
                                 ("p50", "p50"), ("p75", "p75")):
                off.number(f"{name}.{ours}", column[ours], figures[theirs])
        else:
            off.same(f"{name}.top_count", column["top_count"], figures["top_n"])
            off.same(f"{name}.top", column["top"], figures["top"])
    off.none()


def compare_metrics(got, wanted, off=None):
    off = off or Differences()
    off.same("rows", got["rows"], wanted["n"])
    for ours, theirs in (("auc", "auc"), ("average_precision", "avg_precision"), ("log_loss", "logloss"), ("brier", "brier"),
                         ("accuracy", "accuracy"), ("precision", "precision"), ("recall", "recall"), ("f1", "f1")):
        off.number(ours, got["metrics"][ours], wanted[theirs])
    return off


def compare_fairness(got, wanted, off):
    for key in ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference",
                "equalized_odds_ratio", "equal_opportunity_difference"):
        off.number(key, got[key], wanted[key])
    if "by_group" not in wanted:
        return
    off.same("groups", sorted(got["groups"]), sorted(wanted["by_group"]))
    for group, figures in wanted["by_group"].items():
        for key, value in figures.items():
            off.number(f"{group}.{key}", got["groups"][group][key], value)


def compare_drift(got, wanted):
    off = Differences()
    columns = {column["name"]: column for column in got["columns"]}
    summary = wanted["_summary"]
    figures_of = {name: figures for name, figures in wanted.items() if name != "_summary"}
    off.same("columns", sorted(columns), sorted(figures_of))
    for name, figures in figures_of.items():
        column = columns[name]
        off.number(f"{name}.psi", column["psi"], figures["psi"])
        off.same(f"{name}.drifted", column["drifted"], figures["psi_drift"])
        if figures["type"] == "num":
            off.number(f"{name}.ks", column["ks"], figures["ks"])
            # Kept with four significant digits.
            off.number(f"{name}.ks_p", column["ks_p"], figures["ks_p"], tolerance=max(1e-300, 6e-4 * figures["ks_p"]))
            off.number(f"{name}.wasserstein", column["wasserstein"], figures["wd_norm"])
            off.number(f"{name}.missing_reference", column["missing_reference"], figures["null_frac_ref"])
            off.number(f"{name}.missing_current", column["missing_current"], figures["null_frac_cur"])
            off.same(f"{name}.bins", column["bins"], figures["psi_bins"])
            off.same(f"{name}.js", column["js"], None)
        else:
            off.number(f"{name}.js", column["js"], figures["js"])
            off.same(f"{name}.ks", column["ks"], None)
            off.same(f"{name}.wasserstein", column["wasserstein"], None)
    off.number("share_drifted", got["share_drifted"], summary["psi_drifted"] / summary["columns"], 1e-12)
    off.none()


# -- adult

@pytest.fixture(scope="module")
def adult_test_file(reference_data, tmp_path_factory):
    """adult.test without the dots that end its labels (README of the data set)."""
    frame = pd.read_csv(reference_data / "adult" / "adult.test.gz", names=ADULT, skipinitialspace=True, skiprows=1, dtype=str)
    frame["income"] = frame.income.str.rstrip(".")
    path = tmp_path_factory.mktemp("adult") / "test.csv"
    frame.to_csv(path, index=False)
    return path


def test_profile_of_adult_train_equals_the_reference(reference_data):
    got = martlet("data", "profile", reference_data / "adult" / "adult.data.gz", *ADULT_FLAGS, "--json").json
    compare_profiles(got, reference(reference_data, "adult")["profile_train"])


def test_profile_of_adult_test_equals_the_reference(reference_data, adult_test_file):
    got = martlet("data", "profile", adult_test_file, "--null", "?", "--json").json
    compare_profiles(got, reference(reference_data, "adult")["profile_test"])


def test_profile_leaves_out_the_comment_line_of_adult_test(reference_data):
    got = martlet("data", "profile", reference_data / "adult" / "adult.test.gz", *ADULT_FLAGS, "--comment", "|", "--json").json
    assert got["rows"] == 16281
    wanted = reference(reference_data, "adult")["profile_test"]
    assert sum(column["nulls"] for column in got["columns"]) == wanted["null_cells"]


def test_profile_of_both_adult_files_counts_duplicates_across_them(reference_data, adult_test_file, tmp_path):
    train = pd.read_csv(reference_data / "adult" / "adult.data.gz", names=ADULT, skipinitialspace=True, dtype=str)
    path = tmp_path / "train.csv"
    train.to_csv(path, index=False)
    got = martlet("data", "profile", path, adult_test_file, "--null", "?", "--json").json
    assert got["rows"] == 32561 + 16281
    assert got["duplicate_rows"] == reference(reference_data, "adult")["dup_rows_train_plus_test"]


def test_profile_reports_spellings_that_look_like_missing(reference_data):
    without_null = [flag for flag in ADULT_FLAGS if flag not in ("--null", "?")]
    got = martlet("data", "profile", reference_data / "adult" / "adult.data.gz", *without_null, "--json").json
    assert sum(column["nulls"] for column in got["columns"]) == 0
    suspicious = sum(entry["count"] for column in got["columns"] for entry in column["suspicious_nulls"])
    assert suspicious == 4262


@pytest.mark.parametrize("model", ["lgbm", "logreg"])
def test_metrics_and_fairness_of_adult_equal_the_reference(reference_data, model):
    got = martlet("evaluate", reference_data / "adult" / "predictions_test.csv.gz", "--target", "y", "--score", f"score_{model}",
                  "--groups", "sex,race", "--json").json
    wanted = reference(reference_data, "adult")["official_split"][model]
    off = compare_metrics(got, wanted)
    compare_fairness(got["fairness"]["sex"], wanted["fairness_sex"], off)
    compare_fairness(got["fairness"]["race"], wanted["fairness_race"], off)
    off.none()


@pytest.mark.parametrize("model", ["lgbm", "logreg"])
def test_fairness_of_crossed_groups_of_adult_equals_the_reference(reference_data, model, tmp_path):
    frame = pd.read_csv(reference_data / "adult" / "predictions_test.csv.gz")
    frame["crossed"] = frame.sex + "|" + frame.race
    frame.to_csv(tmp_path / "crossed.csv", index=False)
    got = martlet("evaluate", tmp_path / "crossed.csv", "--target", "y", "--score", f"score_{model}", "--groups", "crossed",
                  "--json").json
    off = Differences()
    compare_fairness(got["fairness"]["crossed"], reference(reference_data, "adult")["official_split"][model]["fairness_sex_x_race"],
                     off)
    off.none()


# -- hotel_bookings

@pytest.fixture(scope="module")
def bookings(reference_data):
    """As make_reference.py reads them: agent and company are names, not numbers."""
    frame = pd.read_csv(reference_data / "hotel_bookings" / "hotel_bookings.csv.gz")
    month = frame.arrival_date_month.map({name: number + 1 for number, name in enumerate(MONTHS)})
    frame["month"] = frame.arrival_date_year.astype(str) + "-" + month.astype(str).str.zfill(2)
    for name in ("agent", "company"):
        frame[name] = frame[name].map(lambda value: None if pd.isna(value) else f"A{value:.0f}")
    return frame


def test_profile_of_hotel_bookings_equals_the_reference(reference_data):
    got = martlet("data", "profile", reference_data / "hotel_bookings" / "hotel_bookings.csv.gz", *HOTEL_NULLS, "--json").json
    compare_profiles(got, reference(reference_data, "hotel_bookings")["profile"])


def test_metrics_and_fairness_of_hotel_bookings_equal_the_reference(reference_data):
    got = martlet("evaluate", reference_data / "hotel_bookings" / "predictions_row_mod5.csv.gz", "--target", "y", "--score",
                  "score_lgbm", "--groups", "country_group,hotel", "--json").json
    wanted = reference(reference_data, "hotel_bookings")["row_mod5_split"]
    off = compare_metrics(got, wanted["lgbm"])
    compare_fairness(got["fairness"]["country_group"], wanted["fairness_country"], off)
    compare_fairness(got["fairness"]["hotel"], wanted["fairness_hotel"], off)
    off.none()


def test_metrics_of_the_logistic_model_of_hotel_bookings_equal_the_reference(reference_data):
    path = reference_data / "hotel_bookings" / "predictions_row_mod5.csv.gz"
    got = martlet("evaluate", path, "--target", "y", "--score", "score_logreg", "--json").json
    wanted = dict(reference(reference_data, "hotel_bookings")["row_mod5_split"]["logreg_no_agent_company"])
    # The file keeps nine digits: 32 scores became 1, two of them of rows that are no. What depends on the last digits (ties at the
    # top, the logarithm of 1 - score) is therefore compared with scikit-learn on the file itself.
    stored = pd.read_csv(path)
    wanted["logloss"] = log_loss(stored.y, stored.score_logreg)
    wanted["avg_precision"] = average_precision_score(stored.y, stored.score_logreg)
    compare_metrics(got, wanted).none()


def test_fairness_of_families_in_hotel_bookings_equals_the_reference(reference_data, bookings, tmp_path):
    frame = pd.read_csv(reference_data / "hotel_bookings" / "predictions_row_mod5.csv.gz")
    rows = bookings.loc[frame.row]
    frame["family"] = np.where((rows.children.fillna(0) + rows.babies).values > 0, "with_children", "no_children")
    frame.to_parquet(tmp_path / "families.parquet")
    got = martlet("evaluate", tmp_path / "families.parquet", "--target", "y", "--score", "score_lgbm", "--groups", "family",
                  "--json").json
    off = Differences()
    compare_fairness(got["fairness"]["family"], reference(reference_data, "hotel_bookings")["row_mod5_split"]["fairness_family"],
                     off)
    off.none()


def halves(frame):
    return frame.iloc[::2], frame.iloc[1::2]


HOTEL_PAIRS = {
    "2016-07/08 against 2015-07/08 (same season)":
        lambda frame: (frame[frame.month.between("2015-07", "2015-08")], frame[frame.month.between("2016-07", "2016-08")]),
    "2017-07/08 against 2016-07/08 (same season)":
        lambda frame: (frame[frame.month.between("2016-07", "2016-08")], frame[frame.month.between("2017-07", "2017-08")]),
    "2017-01/02 against 2016-07/08 (season)":
        lambda frame: (frame[frame.month.between("2016-07", "2016-08")], frame[frame.month.between("2017-01", "2017-02")]),
    "control even/odd rows of 2016-07/08":
        lambda frame: halves(frame[frame.month.between("2016-07", "2016-08")]),
}


@pytest.mark.parametrize("pair", HOTEL_PAIRS)
def test_drift_of_hotel_bookings_equals_the_reference(reference_data, bookings, tmp_path, pair):
    wanted = reference(reference_data, "hotel_bookings")["drift"][pair]
    before, after = HOTEL_PAIRS[pair](bookings)
    columns = [name for name in wanted if name != "_summary"]
    before[columns].to_csv(tmp_path / "before.csv", index=False)
    after[columns].to_csv(tmp_path / "after.csv", index=False)
    got = martlet("drift", "--reference", tmp_path / "before.csv", "--current", tmp_path / "after.csv", "--json").json
    compare_drift(got, wanted)


# -- elec2

@pytest.fixture(scope="module")
def electricity(reference_data):
    """As texts, so that the values' spelling reaches the program unchanged."""
    frame = pd.read_csv(reference_data / "elec2" / "electricity.csv.gz", dtype=str, keep_default_na=False)
    frame["month"] = pd.date_range("1996-05-07", periods=len(frame), freq="30min").strftime("%Y-%m")
    return frame


def test_profile_of_elec2_equals_the_reference(reference_data):
    got = martlet("data", "profile", reference_data / "elec2" / "electricity.csv.gz", "--json").json
    compare_profiles(got, reference(reference_data, "elec2")["profile"])


def test_accuracy_of_the_same_as_last_classifier_of_elec2_equals_the_reference(reference_data, electricity, tmp_path):
    up = (electricity["class"] == "UP").astype(int)
    pd.DataFrame({"up": up[1:], "last": up.shift(1)[1:].astype(int)}).to_csv(tmp_path / "labels.csv", index=False)
    got = martlet("evaluate", tmp_path / "labels.csv", "--target", "up", "--prediction", "last", "--json").json
    assert abs(got["metrics"]["accuracy"] - reference(reference_data, "elec2")["no_change_classifier_accuracy"]) <= TOLERANCE


ELEC2_PAIRS = {
    "first 90 d after row 17424 against rows 0..17423": lambda frame: (frame[:17424], frame[17424:17424 + 4320]),
    "1998-06..08 against 1997-06..08 (same season)":
        lambda frame: (frame[frame.month.between("1997-06", "1997-08")], frame[frame.month.between("1998-06", "1998-08")]),
}


@pytest.mark.parametrize("pair", ELEC2_PAIRS)
def test_drift_of_elec2_equals_the_reference(reference_data, electricity, tmp_path, pair):
    wanted = reference(reference_data, "elec2")["drift"][pair]
    before, after = ELEC2_PAIRS[pair](electricity)
    before.to_csv(tmp_path / "before.csv", index=False)
    after.to_csv(tmp_path / "after.csv", index=False)
    columns = [name for name in wanted if name != "_summary"]
    got = martlet("drift", "--reference", tmp_path / "before.csv", "--current", tmp_path / "after.csv", "--columns",
                  ",".join(columns), "--json").json
    compare_drift(got, wanted)


def test_two_halves_of_elec2_have_not_drifted(reference_data, electricity, tmp_path):
    wanted = reference(reference_data, "elec2")["drift"]["control even/odd rows of 0..17423"]
    before, after = halves(electricity[:17424])
    before.to_csv(tmp_path / "before.csv", index=False)
    after.to_csv(tmp_path / "after.csv", index=False)
    got = martlet("drift", "--reference", tmp_path / "before.csv", "--current", tmp_path / "after.csv", "--columns",
                  "day,period,nswprice,nswdemand,vicprice,vicdemand,transfer", "--json").json
    assert sum(column["drifted"] for column in got["columns"]) == wanted["psi_drifted"] == 0
    assert sum(column["ks_p"] < 0.05 for column in got["columns"]) == wanted["ks_drifted"]
