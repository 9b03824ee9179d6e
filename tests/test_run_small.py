"""A small project through `run` and every verb that looks at what it left."""
import json
import time
from xml.etree import ElementTree

import orders
import pandas as pd
import pytest
from program import NOT_REQUIRED, SUCCESS, WORK_FAILED, WRONG_CALL, martlet


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return orders.make(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def first_run(shop):
    return martlet("run", "--json", cwd=shop).json


# -- run

def test_run_reports_everything_that_scripts_rely_on(first_run):
    assert first_run["status"] == "succeeded"
    assert first_run["run"]
    assert first_run["model"]["name"] == "orders" and first_run["model"]["version"] == 1
    assert first_run["model"]["digest"].startswith("sha256:")
    problem = first_run["problem"]
    assert problem["verdict"] == "required"
    assert problem["best_baseline"] in ("blue orders", "colour average")
    assert problem["low"] <= problem["gain"] <= problem["high"] and problem["low"] > 0
    kpis = {kpi["name"]: kpi for kpi in first_run["kpis"]}
    assert list(kpis) == ["gain", "ranking"]
    assert kpis["gain"]["passed"] is True and kpis["gain"]["goal"] == ">= baseline"
    for kpi in kpis.values():
        assert kpi["low"] <= kpi["value"] <= kpi["high"]
        assert {"goal", "passed", "baseline"} <= kpi.keys()
    assert kpis["gain"]["value"] - kpis["gain"]["baseline"] == pytest.approx(problem["gain"], abs=1e-9)
    assert all(gate["passed"] and gate["why"] for gate in first_run["gates"])
    assert {"kpi.gain", "better_than_baseline"} <= {gate["name"] for gate in first_run["gates"]}
    assert [step["name"] for step in first_run["steps"]] == orders.STEPS
    for step in first_run["steps"]:
        assert step["status"] == "succeeded" and step["cached"] is False and step["seconds"] >= 0


def test_progress_goes_to_stderr_and_quiet_silences_it(shop, first_run):
    call = martlet("run", "--json", cwd=shop)
    assert call.json and "train:lightgbm" in call.err
    assert "train:lightgbm" not in martlet("--quiet", "run", "--json", cwd=shop).err


def test_a_second_run_takes_every_step_from_the_cache(shop, first_run, measured):
    began = time.perf_counter()
    second = martlet("run", "--json", cwd=shop).json
    measured(f"second `martlet run` of the small project: {time.perf_counter() - began:.3f} s")
    assert [step["name"] for step in second["steps"]] == orders.STEPS
    assert all(step["cached"] for step in second["steps"])
    assert second["run"] != first_run["run"]
    for part in ("model", "problem", "kpis", "gates"):
        assert second[part] == first_run[part]


def test_no_cache_computes_every_step_anew_and_arrives_at_the_same_model(shop, first_run):
    anew = martlet("run", "--no-cache", "--json", cwd=shop).json
    assert not any(step["cached"] for step in anew["steps"])
    assert anew["model"]["digest"] == first_run["model"]["digest"]
    assert anew["kpis"] == first_run["kpis"]


def test_from_computes_a_step_and_what_follows_anew(shop, first_run):
    again = martlet("run", "--from", "train:lightgbm", "--json", cwd=shop).json
    cached = {step["name"]: step["cached"] for step in again["steps"]}
    assert not cached["train:lightgbm"]
    assert cached["ingest:orders"] and cached["split"] and cached["train:logistic"]
    assert again["model"]["digest"] == first_run["model"]["digest"]


def test_only_runs_a_step_and_what_it_needs(tmp_path):
    shop = orders.make(tmp_path / "shop", count=600)
    only = martlet("run", "--only", "split", "--json", cwd=shop).json
    done = [step["name"] for step in only["steps"] if step["status"] in ("succeeded", "cached")]
    assert done == ["ingest:orders", "split"]
    martlet("models", "show", "orders", cwd=shop, expect=WRONG_CALL)


def test_only_an_unknown_step_is_refused_by_name(shop, first_run):
    call = martlet("run", "--only", "trian:lightgbm", "--json", cwd=shop, expect=WRONG_CALL)
    assert "trian:lightgbm" in call.error["message"]


def test_dry_run_shows_the_steps_and_makes_nothing(tmp_path):
    shop = orders.make(tmp_path / "shop", count=600)
    call = martlet("run", "--dry-run", cwd=shop)
    assert "train:lightgbm" in call.out + call.err
    assert martlet("run", "--dry-run", "--json", cwd=shop).json
    assert martlet("ps", "--json", cwd=shop, expect=None).status in (SUCCESS, WRONG_CALL)
    assert not list((shop / ".martlet" / "blobs").glob("*/*"))


def test_dry_run_makes_no_store(tmp_path):
    shop = orders.make(tmp_path / "shop", count=600)
    martlet("run", "--dry-run", cwd=shop)
    assert not (shop / ".martlet").exists()


def test_a_changed_parameter_computes_only_what_depends_on_it(tmp_path):
    shop = orders.make(tmp_path / "shop", count=1200)
    before = martlet("run", "--json", cwd=shop, expect=None).json
    (shop / "martlet.yaml").write_text(orders.PROJECT.replace("rounds: 20", "rounds: 21"))
    after = martlet("run", "--json", cwd=shop, expect=None).json
    cached = {step["name"]: step["cached"] for step in after["steps"]}
    assert cached["ingest:orders"] and cached["split"] and cached["baselines"] and cached["train:logistic"]
    assert not cached["train:lightgbm"]
    assert [step["name"] for step in before["steps"]] == [step["name"] for step in after["steps"]]


def test_a_changed_file_makes_another_dataset_version_and_the_first_stays(tmp_path):
    shop = orders.make(tmp_path / "shop", count=900)
    martlet("run", "--json", cwd=shop, expect=None)
    orders.rows(count=1000, seed=7).to_csv(shop / "orders.csv", index=False)
    again = martlet("run", "--json", cwd=shop, expect=None).json
    assert not any(step["cached"] for step in again["steps"] if step["name"] in ("ingest:orders", "train:lightgbm"))
    assert martlet("data", "show", "orders@v1", "--json", cwd=shop).json["rows"] == 900
    assert martlet("data", "show", "orders@v2", "--json", cwd=shop).json["rows"] == 1000
    difference = martlet("data", "diff", "orders@v1", "orders@v2", "--key", "id", "--json", cwd=shop).json
    assert difference


def test_machine_learning_on_a_random_target_is_not_required_and_exits_with_4(tmp_path):
    # One seed in twenty gains by luck (the interval is at 95 %); with 24 seeds one did. This seed is not it.
    shop = orders.make(tmp_path / "shop", signal=False, seed=4)
    call = martlet("run", "--json", cwd=shop, expect=(WORK_FAILED, NOT_REQUIRED))
    verdict = call.json["problem"]["verdict"]
    assert verdict in ("not_required", "undecided")
    assert call.status == (NOT_REQUIRED if verdict == "not_required" else WORK_FAILED)
    assert not all(gate["passed"] for gate in call.json["gates"])


def test_a_rule_that_knows_it_all_makes_machine_learning_unnecessary(tmp_path):
    project = orders.PROJECT.replace("colour = 'blue'", "x > 0")
    shop = orders.make(tmp_path / "shop", project=project)
    frame = orders.rows()
    frame["good"] = frame.x > 0
    frame.to_csv(shop / "orders.csv", index=False)
    call = martlet("run", "--json", cwd=shop, expect=NOT_REQUIRED)
    assert call.json["problem"]["verdict"] == "not_required"


def test_a_gate_that_fails_exits_with_1_and_moves_no_alias(tmp_path):
    shop = orders.make(tmp_path / "shop", project=orders.PROJECT.replace('">= baseline"', '">= baseline + 1000"'), count=1500)
    call = martlet("run", "--json", cwd=shop, expect=WORK_FAILED)
    failed = [gate for gate in call.json["gates"] if not gate["passed"]]
    assert [gate["name"] for gate in failed] == ["kpi.gain"]
    assert "1000" in failed[0]["why"] or "baseline" in failed[0]["why"]
    martlet("models", "show", "orders@live", cwd=shop, expect=WRONG_CALL)


def test_a_broken_expectation_fails_the_run_and_names_column_and_count(tmp_path):
    shop = orders.make(tmp_path / "shop", count=600)
    frame = orders.rows(count=600)
    frame.loc[5, "colour"] = "mauve"
    frame.to_csv(shop / "orders.csv", index=False)
    call = martlet("run", "--json", cwd=shop, expect=WORK_FAILED)
    assert "colour in [red, green, blue] (1 rows break it)" in call.err
    assert call.json["model"] is None
    assert [step["status"] for step in call.json["steps"]][0] == "failed"
    martlet("data", "show", "orders", cwd=shop, expect=WRONG_CALL)


# -- what looks at runs

@pytest.mark.parametrize("verb", [
    ["status"], ["ps"], ["logs"], ["explain", "train:lightgbm"], ["graph"], ["check"], ["problem", "show"], ["problem", "memo"],
    ["data", "list"], ["data", "show", "orders"], ["data", "diff", "orders@v1", "orders@v1"],
    ["data", "validate", "orders.csv", "--dataset", "orders"], ["data", "sql", "select count(*) as n from orders"],
    ["models", "list"], ["models", "show", "orders/1"], ["models", "show", "orders@live"], ["runs", "list"],
], ids=" ".join)
def test_every_looking_verb_speaks_to_people_and_to_scripts(shop, first_run, verb):
    assert martlet(*verb, cwd=shop).out.strip()
    assert martlet(*verb, "--json", cwd=shop).json


def test_status_and_ps_know_the_first_run(shop, first_run):
    status = martlet("status", first_run["run"], "--json", cwd=shop).json
    assert status["run"] == first_run["run"] and status["status"] == "succeeded"
    assert [step["name"] for step in status["steps"]] == orders.STEPS
    assert first_run["run"] in [run["run"] for run in martlet("ps", "--json", cwd=shop).json]
    assert martlet("status", first_run["run"][:20], "--json", cwd=shop, expect=None).status in (SUCCESS, WRONG_CALL)


def test_the_project_flag_works_from_any_folder(shop, first_run, tmp_path):
    for verb in (["check"], ["ps"], ["status"], ["data", "list"], ["models", "list"]):
        martlet("--project", shop, *verb, "--json", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", ["text", "mermaid", "dot", "svg", "json"])
def test_graph_draws_every_step_in_every_format(shop, shape):
    out = martlet("graph", "--format", shape, cwd=shop).out
    for step in ("ingest:orders", "train:lightgbm", "register"):
        assert step in out
    if shape == "svg":
        assert ElementTree.fromstring(out).tag.endswith("svg")
    if shape == "json":
        assert [step["name"] for step in json.loads(out)["steps"]] == orders.STEPS
    if shape == "dot":
        assert out.lstrip().startswith("digraph")


def test_sql_reads_any_version_and_writes_files(shop, first_run, tmp_path):
    counted = martlet("data", "sql", "select count(*) as n, count(distinct colour) as colours from orders", "--json", cwd=shop).json
    assert "3000" in json.dumps(counted)
    martlet("data", "sql", "select id, colour from orders order by id", "--output", tmp_path / "out.parquet", cwd=shop)
    assert list(pd.read_parquet(tmp_path / "out.parquet").colour) == list(orders.rows().colour)


def test_sql_cannot_reach_files(shop, first_run):
    martlet("data", "sql", "select * from read_csv('orders.csv')", cwd=shop, expect=(WORK_FAILED, WRONG_CALL, 5))


def test_validate_judges_a_good_and_a_bad_file(shop, tmp_path):
    martlet("data", "validate", shop / "orders.csv", "--dataset", "orders", cwd=shop)
    bad = orders.rows(count=50)
    bad.loc[3, "id"] = 4
    bad.to_csv(tmp_path / "bad.csv", index=False)
    call = martlet("data", "validate", tmp_path / "bad.csv", "--dataset", "orders", "--json", cwd=shop, expect=WORK_FAILED)
    assert "unique" in call.out


def test_tracked_runs_can_be_listed_shown_and_compared(shop, first_run):
    runs = martlet("runs", "list", "--json", cwd=shop).json
    ids = [run.get("id") or run.get("run") or run.get("run_id") for run in (runs if isinstance(runs, list) else runs["runs"])]
    assert len(ids) >= 1 and all(ids)
    assert martlet("runs", "show", ids[0], "--json", cwd=shop).json
    assert martlet("runs", "compare", ids[0], ids[-1], "--json", cwd=shop).json


# -- predict

@pytest.fixture(scope="module")
def fresh_rows():
    return orders.rows(count=400, seed=99, begin="2025-01-01").drop(columns="good")


def scores(path):
    frame = pd.read_parquet(path)
    return frame.sort_values("id").score.to_numpy()


def test_predict_gives_the_same_scores_from_csv_parquet_and_json_lines(shop, first_run, fresh_rows, tmp_path):
    fresh_rows.to_csv(tmp_path / "rows.csv", index=False)
    typed = fresh_rows.assign(at=pd.to_datetime(fresh_rows["at"]))
    typed.to_parquet(tmp_path / "rows.parquet")
    with open(tmp_path / "rows.jsonl", "w") as lines:
        for record in fresh_rows.to_dict("records"):
            lines.write(json.dumps({key: None if value != value else value for key, value in record.items()}) + "\n")
    found = {}
    for kind in ("csv", "parquet", "jsonl"):
        report = martlet("predict", "orders@live", "--input", tmp_path / f"rows.{kind}", "--output", tmp_path / f"{kind}.parquet",
                         "--json", cwd=shop).json
        assert report["rows"] == 400 and report["rejected"] == 0 and report["seconds"] >= 0 and report["output"]
        found[kind] = scores(tmp_path / f"{kind}.parquet")
    assert (found["csv"] == found["parquet"]).all() and (found["csv"] == found["jsonl"]).all()
    assert len(set(found["csv"])) > 20 and 0 <= found["csv"].min() <= found["csv"].max() <= 1


def test_predict_by_alias_version_and_name_is_the_same(shop, first_run, fresh_rows, tmp_path):
    fresh_rows.to_csv(tmp_path / "rows.csv", index=False)
    found = []
    for number, model in enumerate(("orders@live", "orders/1", "orders")):
        out = tmp_path / f"{number}.parquet"
        martlet("predict", model, "--input", tmp_path / "rows.csv", "--output", out, cwd=shop)
        found.append(scores(out))
    assert (found[0] == found[1]).all() and (found[0] == found[2]).all()


def test_predict_writes_each_format_and_only_the_key_when_asked(shop, first_run, fresh_rows, tmp_path):
    fresh_rows.to_csv(tmp_path / "rows.csv", index=False)
    for kind in ("csv", "jsonl", "parquet"):
        martlet("predict", "orders", "--input", tmp_path / "rows.csv", "--output", tmp_path / f"out.{kind}", "--only-key", cwd=shop)
    frames = [pd.read_csv(tmp_path / "out.csv"), pd.read_json(tmp_path / "out.jsonl", lines=True, precise_float=True),
              pd.read_parquet(tmp_path / "out.parquet")]
    for frame in frames:
        assert "id" in frame and "score" in frame and "predicted" in frame and "colour" not in frame
    assert (frames[0].score == frames[2].score).all() and (frames[1].score == frames[2].score).all()


def test_the_order_of_columns_and_columns_it_does_not_need_change_no_score(shop, first_run, fresh_rows, tmp_path):
    fresh_rows.to_csv(tmp_path / "rows.csv", index=False)
    fresh_rows[["colour", "z", "x", "at", "id"]].to_csv(tmp_path / "turned.csv", index=False)
    for name in ("rows", "turned"):
        martlet("predict", "orders", "--input", tmp_path / f"{name}.csv", "--output", tmp_path / f"{name}.parquet", cwd=shop)
    assert (scores(tmp_path / "rows.parquet") == scores(tmp_path / "turned.parquet")).all()


def test_predicting_the_rows_of_a_dataset_reproduces_the_run_and_its_kpi(shop, first_run, tmp_path):
    martlet("predict", "orders@live", "--input", shop / "orders.csv", "--output", tmp_path / "all.parquet", cwd=shop)
    frame = pd.read_parquet(tmp_path / "all.parquet").sort_values("id")
    test = frame.tail(600).copy()
    test["good"] = orders.rows().good.tail(600).to_numpy()
    gain = test.predicted.astype(bool).map({True: 1, False: 0}) * test.good.map({True: 10, False: -6})
    assert gain.mean() == pytest.approx(first_run["kpis"][0]["value"], abs=1e-9)
