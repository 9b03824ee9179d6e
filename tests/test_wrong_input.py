"""Wrong input: the error says what, where and what to do; the exit status is right; nothing that was there before is lost."""
import json
import os
import shutil
import sqlite3
import subprocess
import time

import orders
import pandas as pd
import pytest
from program import CONFLICT, PROGRAM, SUCCESS, UNREACHABLE, WORK_FAILED, WRONG_CALL, environment, martlet

ONE_CANDIDATE = orders.PROJECT.replace("    - logistic\n", "")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project after one run, with a LightGBM model; tests copy it."""
    shop = orders.make(tmp_path_factory.mktemp("finished"), project=ONE_CANDIDATE, count=1500)
    martlet("run", "--json", cwd=shop)
    return shop


@pytest.fixture
def shop(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "shop")


def edit(shop, old, new):
    path = shop / "martlet.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def position(text, fragment):
    """line:column of the fragment, both from 1."""
    line = next(number for number, line in enumerate(text.split("\n"), 1) if fragment in line)
    return f"{line}:{text.split(chr(10))[line - 1].index(fragment) + 1}"


def few_rows(shop):
    rows = orders.rows(count=20, seed=1).drop(columns="good")
    rows.assign(at=pd.to_datetime(rows["at"])).to_parquet(shop / "few.parquet")


def assert_nothing_lost(shop):
    """The version, the model and the run from before are still there, and still work."""
    assert martlet("data", "list", "--json", cwd=shop).json
    assert martlet("data", "show", "orders@v1", "--json", cwd=shop).json["rows"] == 1500
    assert martlet("models", "show", "orders/1", "--json", cwd=shop).json["version"] == 1
    assert martlet("models", "show", "orders@live", "--json", cwd=shop).json["version"] == 1
    assert "succeeded" in [run["status"] for run in martlet("ps", "--json", cwd=shop).json]
    out = shop / "still-works.parquet"
    few_rows(shop)
    martlet("predict", "orders@live", "--input", shop / "few.parquet", "--output", out, cwd=shop)
    assert len(pd.read_parquet(out)) == 20


# -- martlet.yaml

def test_an_unknown_key_is_named_with_its_position_and_the_nearest_known_one(shop):
    edit(shop, "target: good", "taget: good")
    line = position((shop / "martlet.yaml").read_text(), "taget").split(":")[0]
    for verb in (["check"], ["run"]):
        call = martlet(*verb, cwd=shop, expect=WRONG_CALL)
        said = call.out + call.err
        assert f"martlet.yaml:{line}:" in said and '"taget"' in said and 'did you mean "target"?' in said
    assert_nothing_lost_after_mending(shop, "taget: good", "target: good")


def test_the_position_of_an_unknown_key_is_where_the_key_stands(shop):
    edit(shop, "models:", "modles:")
    edit(shop, "owner:", "ownr:")
    text = (shop / "martlet.yaml").read_text()
    call = martlet("check", cwd=shop, expect=WRONG_CALL)
    for key in ("modles", "ownr"):
        assert f"martlet.yaml:{position(text, key)}:" in call.out + call.err, str(call)


def assert_nothing_lost_after_mending(shop, new, old):
    edit(shop, new, old)
    assert_nothing_lost(shop)


def test_all_findings_of_a_file_come_at_once(shop):
    edit(shop, "owner: shop", "ownr: shop")
    edit(shop, "models:", "modles:")
    edit(shop, "task: binary", "task: binery")
    edit(shop, "train: 60%", "train: 160%")
    error = martlet("check", "--json", cwd=shop, expect=WRONG_CALL).json
    text = json.dumps(error)
    for fragment in ("ownr", "modles", "binery", "train"):
        assert fragment in text, f"{fragment} is not among {text}"


@pytest.mark.parametrize("old, new, fragments", [
    ("version: 1", "version: [1", ["martlet.yaml:"]),
    ("goal: \">= baseline\"", "goal: \">= basline\"", ["basline", "baseline"]),
    ("rule: \"colour = 'blue'\"", "rule: \"colour = \"", ["rule"]),
    ("sql: \"select * from orders\"", "sql: \"selec * from orders\"", ["sql"]),
    ("metric: auc", "metric: auk", ["auk", "auc"]),
    ("lightgbm: {rounds", "lightgbm: {runds", ["runds", "rounds"]),
    ("lightgbm:", "lightgmb:", ["lightgmb", "lightgbm"]),
    ("zone: UTC", "zone: Mars/Olympus", ["Mars/Olympus"]),
], ids=["broken yaml", "goal", "rule", "sql", "metric", "parameter", "trainer", "zone"])
def test_a_wrong_value_is_named_with_its_position(shop, old, new, fragments):
    edit(shop, old, new)
    call = martlet("check", cwd=shop, expect=WRONG_CALL)
    said = call.out + call.err
    assert "martlet.yaml:" in said
    for fragment in fragments:
        assert fragment in said, str(call)


def test_a_wrong_expression_is_shown_with_a_caret_under_the_place(shop):
    edit(shop, "rule: \"colour = 'blue'\"", "rule: \"colour = '青い空' andd\"")
    edit(shop, "then -6 else", "then -6 " + "+ 0 " * 60 + "esle")
    call = martlet("check", cwd=shop, expect=WRONG_CALL)
    lines = (call.out + call.err).splitlines()
    shown = lines.index("    colour = '青い空' andd")
    # Three characters of two cells each.
    assert lines[shown + 1] == " " * (4 + len("colour = '青い空' ") + 3) + "^", str(call)
    window = next(number for number, line in enumerate(lines) if line.startswith("    …") and "esle" in line)
    assert len(lines[window]) <= 80 and lines[window][lines[window + 1].index("^"):].startswith("esle"), str(call)


def test_a_name_in_a_value_expression_that_the_dataset_lacks_is_named(shop):
    edit(shop, "case when predicted and", "case when predcted and")
    call = martlet("run", cwd=shop, expect=(WORK_FAILED, WRONG_CALL))
    assert "predcted" in call.err and "predicted" in call.err, str(call)
    assert_nothing_lost_after_mending(shop, "case when predcted and", "case when predicted and")


def test_a_target_that_the_dataset_lacks_is_named(shop):
    edit(shop, "target: good", "target: goood")
    call = martlet("run", cwd=shop, expect=(WORK_FAILED, WRONG_CALL))
    assert "goood" in call.err and "good" in call.err
    assert_nothing_lost_after_mending(shop, "target: goood", "target: good")


def test_without_a_project_file_the_error_says_where_it_looked(tmp_path):
    call = martlet("run", cwd=tmp_path, expect=WRONG_CALL)
    assert "martlet.yaml" in call.err
    assert list(tmp_path.iterdir()) == []


# -- data

def test_a_column_that_sql_asks_for_in_vain_is_named(shop):
    edit(shop, "select * from orders", "select *, prise * 2 as twice from orders")
    call = martlet("run", cwd=shop, expect=(WORK_FAILED, WRONG_CALL))
    assert "prise" in call.err and "orders" in call.err
    assert_nothing_lost(shop)


def test_a_bad_date_is_named_with_file_line_column_and_value(shop):
    lines = (shop / "orders.csv").read_text().split("\n")
    lines[6] = lines[6].replace("2024-01-01T", "2024-13-45T")
    (shop / "orders.csv").write_text("\n".join(lines))
    call = martlet("run", cwd=shop, expect=WORK_FAILED)
    for fragment in ("orders.csv", "line 7", '"at"', "2024-13-45T"):
        assert fragment in call.err, str(call)
    assert_nothing_lost(shop)


def test_a_text_in_a_number_column_is_named(shop):
    edit(shop, "{types: {at: timestamp}}", "{types: {at: timestamp, x: number}}")
    lines = (shop / "orders.csv").read_text().split("\n")
    lines[9] = ",".join(["8", lines[9].split(",")[1], "abc", *lines[9].split(",")[3:]])
    (shop / "orders.csv").write_text("\n".join(lines))
    call = martlet("run", cwd=shop, expect=WORK_FAILED)
    for fragment in ("orders.csv", "line 10", '"x"', "abc"):
        assert fragment in call.err, str(call)


def test_a_row_with_too_few_fields_is_named_by_line(shop):
    lines = (shop / "orders.csv").read_text().split("\n")
    lines[20] = "19,2024-01-01T05:00:00Z,1.0"
    (shop / "orders.csv").write_text("\n".join(lines))
    call = martlet("run", cwd=shop, expect=WORK_FAILED)
    assert "orders.csv" in call.err and "21" in call.err
    assert_nothing_lost(shop)


@pytest.fixture
def parquet_shop(shop):
    frame = pd.read_csv(shop / "orders.csv", parse_dates=["at"])
    frame.to_parquet(shop / "orders.parquet")
    edit(shop, "{files: orders.csv, csv: {types: {at: timestamp}}}", "{files: orders.parquet}")
    return shop


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_parquet_file_is_refused_by_name(parquet_shop, share):
    path = parquet_shop / "orders.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * share)])
    for verb in (["run"], ["data", "profile", path]):
        call = martlet(*verb, cwd=parquet_shop, expect=(WORK_FAILED, WRONG_CALL))
        assert "orders.parquet" in call.err and "Parquet" in call.err, str(call)
    assert_nothing_lost(parquet_shop)


def test_quiet_leaves_out_progress_but_not_the_reason_of_a_failure(parquet_shop):
    (parquet_shop / "orders.parquet").write_bytes(b"PAR1")
    call = martlet("--quiet", "run", cwd=parquet_shop, expect=(WORK_FAILED, WRONG_CALL))
    assert "orders.parquet" in call.out + call.err, str(call)


def test_a_missing_file_is_named_before_anything_runs(shop):
    (shop / "orders.csv").unlink()
    call = martlet("run", cwd=shop, expect=(WORK_FAILED, WRONG_CALL))
    assert "orders.csv" in call.err
    assert_nothing_lost(shop)


def test_a_gzip_file_cut_short_is_refused_by_name(tmp_path):
    import gzip
    whole = gzip.compress(orders.rows(count=500).to_csv(index=False).encode())
    (tmp_path / "orders.csv.gz").write_bytes(whole[:len(whole) // 2])
    call = martlet("data", "profile", tmp_path / "orders.csv.gz", expect=(WORK_FAILED, WRONG_CALL))
    assert "orders.csv.gz" in call.err


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a,a\n1,2\n", b"a,b\n\xff\xfe,1\n", b'a,b\n"open,1\n', b"a\x00b,c\n1,2\n"],
                         ids=["empty", "blank", "twice the same name", "not utf-8", "open quote", "zero byte"])
def test_odd_csv_files_never_crash_the_program(tmp_path, content):
    (tmp_path / "odd.csv").write_bytes(content)
    call = martlet("data", "profile", tmp_path / "odd.csv", expect=(SUCCESS, WORK_FAILED, WRONG_CALL))
    if call.status != SUCCESS:
        assert "odd.csv" in call.err


def test_evaluate_and_drift_name_columns_that_are_not_there(tmp_path):
    orders.rows(count=50).to_csv(tmp_path / "a.csv", index=False)
    call = martlet("evaluate", tmp_path / "a.csv", "--target", "goood", "--score", "x", expect=WRONG_CALL)
    assert "goood" in call.err and "good" in call.err
    call = martlet("drift", "--reference", tmp_path / "a.csv", "--current", tmp_path / "a.csv", "--columns", "xx", expect=WRONG_CALL)
    assert "xx" in call.err


def test_rows_that_cannot_be_scored_are_set_aside_with_the_reason(shop):
    rows = orders.rows(count=10, seed=4).drop(columns="good").astype({"x": object})
    rows.loc[3, "x"] = "not a number"
    rows.to_csv(shop / "rows.csv", index=False)
    call = martlet("predict", "orders@live", "--input", "rows.csv", "--output", "out.parquet", "--json", cwd=shop, expect=None)
    assert call.status in (WORK_FAILED, WRONG_CALL)
    if call.status == WORK_FAILED:
        assert call.json["rejected"] >= 1
        assert "x" in (shop / "out.parquet.rejected.jsonl").read_text()


def test_predict_names_all_columns_that_are_missing(shop):
    orders.rows(count=10)[["id", "at"]].to_csv(shop / "rows.csv", index=False)
    call = martlet("predict", "orders@live", "--input", "rows.csv", "--output", "out.parquet", cwd=shop, expect=(WORK_FAILED, WRONG_CALL))
    assert " x: " in call.err and " colour: " in call.err, str(call)
    assert not (shop / "out.parquet").exists()


def test_predict_names_the_models_that_there_are_when_asked_for_another(shop):
    call = martlet("predict", "ordres@live", "--input", "orders.csv", "--output", "out.parquet", cwd=shop, expect=WRONG_CALL)
    assert "ordres" in call.err
    assert not (shop / "out.parquet").exists()


# -- the store

def blob_of_model(shop):
    for path in sorted((shop / ".martlet" / "blobs").glob("*/*")):
        if path.read_bytes().startswith(b"tree\n"):
            return path
    raise AssertionError("no LightGBM model among the blobs")


def test_a_model_with_one_byte_changed_is_refused_and_the_rest_keeps_working(shop):
    path = blob_of_model(shop)
    content = bytearray(path.read_bytes())
    at = content.index(b"leaf_value=") + len(b"leaf_value=") + 4
    content[at] = ord("1") if content[at] != ord("1") else ord("2")
    os.chmod(path, 0o644)
    path.write_bytes(content)
    few_rows(shop)
    call = martlet("--json", "predict", "orders@live", "--input", "few.parquet", "--output", "out.parquet", cwd=shop, expect=WORK_FAILED)
    assert call.error["code"] == "corrupt", str(call)
    assert "model/model.txt" in call.err and path.name in call.err and "restore it from a backup" in call.err, str(call)
    assert not (shop / "out.parquet").exists()
    for verb in (["ps"], ["status"], ["data", "list"], ["data", "show", "orders"], ["models", "list"], ["runs", "list"], ["data", "sql", "select count(*) from orders"]):
        martlet(*verb, "--json", cwd=shop)


def test_a_damaged_model_can_still_be_shown(shop):
    path = blob_of_model(shop)
    os.chmod(path, 0o644)
    path.write_bytes(path.read_bytes()[:-1])
    martlet("models", "show", "orders/1", cwd=shop)


def test_the_json_error_of_a_damaged_model_says_as_much_as_stderr(shop):
    path = blob_of_model(shop)
    os.chmod(path, 0o644)
    path.write_bytes(path.read_bytes()[:-1])
    few_rows(shop)
    call = martlet("--json", "predict", "orders@live", "--input", "few.parquet", "--output", "out.parquet", cwd=shop, expect=WORK_FAILED)
    assert path.name in call.error["message"], str(call)


def test_serve_refuses_a_model_with_one_byte_changed(shop):
    path = blob_of_model(shop)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    os.chmod(path, 0o644)
    path.write_bytes(content)
    running = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0"], cwd=shop, stderr=subprocess.PIPE, text=True,
                               env=environment())
    try:
        _, said = running.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
        pytest.fail("serve went on with a damaged model")
    assert running.returncode == WORK_FAILED and said.strip(), said


def test_a_damaged_step_output_is_computed_anew_instead_of_believed(shop):
    """The cache must not hand a damaged blob on; --no-cache, or the run itself, repairs the store."""
    before = martlet("models", "show", "orders@live", "--json", cwd=shop).json
    path = blob_of_model(shop)
    whole = path.read_bytes()
    os.chmod(path, 0o644)
    path.write_bytes(whole[:-7])
    martlet("run", "--no-cache", "--json", cwd=shop, expect=None)
    few_rows(shop)
    martlet("predict", "orders@live", "--input", "few.parquet", "--output", "out.parquet", cwd=shop)
    after = martlet("models", "show", "orders@live", "--json", cwd=shop).json
    assert after["package"] == before["package"] and path.read_bytes() == whole


def test_a_part_of_a_dataset_with_one_byte_changed_is_refused(shop):
    digest = martlet("data", "show", "orders", "--json", cwd=shop).json["parts"][0]["digest"].removeprefix("sha256:")
    path = shop / ".martlet" / "blobs" / digest[:2] / digest[2:]
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x40
    os.chmod(path, 0o644)
    path.write_bytes(content)
    call = martlet("data", "sql", "select avg(x), avg(z) from orders", "--json", cwd=shop, expect=WORK_FAILED)
    assert call.error["code"] == "corrupt", str(call)
    martlet("models", "list", cwd=shop)


def test_a_metadata_file_that_is_no_database_is_refused_by_name(shop):
    (shop / ".martlet" / "metadata.db").write_bytes(b"not a database" * 100)
    for suffix in ("-wal", "-shm"):
        (shop / ".martlet" / f"metadata.db{suffix}").unlink(missing_ok=True)
    call = martlet("ps", cwd=shop, expect=(WORK_FAILED, WRONG_CALL, UNREACHABLE))
    assert "metadata.db" in call.err, str(call)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_store_that_may_not_be_written_is_named(shop):
    store = shop / ".martlet"
    for folder, _, files in os.walk(store):
        for file in files:
            os.chmod(os.path.join(folder, file), 0o444)
        os.chmod(folder, 0o555)
    try:
        call = martlet("run", "--no-cache", cwd=shop, expect=(UNREACHABLE, 5))
        assert ".martlet" in call.err
    finally:
        for folder, _, _ in os.walk(store):
            os.chmod(folder, 0o755)


def test_a_store_folder_that_is_a_file_is_named(shop):
    (shop / "file").write_text("in the way")
    call = martlet("--store", "file", "run", cwd=shop, expect=(WRONG_CALL, UNREACHABLE, 5, CONFLICT))
    assert "file" in call.err


def test_a_writer_that_holds_the_database_makes_another_wait_and_then_say_so(shop):
    """Another process's open write transaction: the wait is bounded, the message says what to do, nothing is lost."""
    database = sqlite3.connect(shop / ".martlet" / "metadata.db", isolation_level=None)
    database.execute("begin immediate")
    began = time.monotonic()
    try:
        call = martlet("run", "--no-cache", cwd=shop, expect=(WORK_FAILED, UNREACHABLE, CONFLICT), timeout=100)
    finally:
        database.execute("rollback")
        database.close()
    assert time.monotonic() - began < 90
    assert "another process" in call.err or "busy" in call.err or "locked" in call.err, str(call)
    assert_nothing_lost(shop)
    martlet("run", "--json", cwd=shop)


def test_two_runs_at_once_both_end_with_the_same_model(shop):
    both = [subprocess.Popen([PROGRAM, "--json", "run", "--no-cache"], cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env=environment()) for _ in range(2)]
    ended = [(*running.communicate(timeout=100), running.returncode) for running in both]
    good = [json.loads(out)["model"]["digest"] for out, _, status in ended if status == SUCCESS]
    for out, err, status in ended:
        assert status in (SUCCESS, CONFLICT), f"{status}\n{out[-2000:]}\n{err}"
        if status == CONFLICT:
            assert "run" in err
    assert good and len(set(good)) == 1
    assert_nothing_lost(shop)


@pytest.mark.parametrize("arguments", [["rnu"], ["run", "--nocache"], ["data", "shwo"], ["run", "--env", "prod"],
                                       ["data", "show", "odrers"], ["data", "show", "orders@v9"], ["models", "show", "orders/9"],
                                       ["status", "ffffffff"], ["explain", "no-such-step"], ["graph", "--format", "png"],
                                       ["data", "sql", "select"], ["data", "sql", "drop table orders"]], ids=" ".join)
def test_a_call_that_names_what_is_not_there_exits_with_2(shop, arguments):
    call = martlet(*arguments, cwd=shop, expect=WRONG_CALL)
    assert call.err.strip()


def test_after_all_of_this_nothing_is_lost(finished, tmp_path):
    assert_nothing_lost(shutil.copytree(finished, tmp_path / "shop"))
