"""`martlet verify`: whatever is damaged is named as people know it, all at once, with what to do; nothing else is."""
import json
import random

import pandas as pd
import pytest
import requests
import stores
from program import WORK_FAILED
from test_serve import Server, records

ROWS = 40
UNREACHABLE = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run, a registered model, and predictions of a server that has stopped."""
    shop = stores.make(tmp_path_factory.mktemp("whole") / "shop")
    rows = pd.read_csv(shop.folder / "orders.csv", nrows=ROWS).drop(columns="good")
    with Server(shop.folder, "--env", "experiment") as server:
        answer = requests.post(f"{server.url}/invocations", json={"dataframe_records": records(rows, ["id", "at", "x", "z", "colour"])},
                               timeout=10)
        assert answer.status_code == 200, answer.text
        assert server.stop() == 0
    return shop


@pytest.fixture
def shop(whole, tmp_path):
    return whole.copy(tmp_path / "shop")


def outputs(shop, step):
    return json.loads(shop.query("select outputs from pipeline_steps where name = ?", step)[0][0])


def package_files(shop):
    tree = json.loads(shop.blob(shop.query("select package from model_versions")[0][0]).read_text())
    return {path: entry["digest"] for path, entry in tree.items()}


# What a person knows it as, and where its bytes lie.
OBJECTS = {
    "dataset part": (("dataset version", "orders@v1", "part 1 of 1"),
                     lambda shop: json.loads(shop.query("select parts from dataset_versions")[0][0])[0]["digest"]),
    "dataset manifest": (("dataset version", "orders@v1", "manifest"), lambda shop: shop.query("select digest from dataset_versions")[0][0]),
    "run artifact": (("run", None, "artifact report.json"),
                     lambda shop: shop.query("select digest from run_artifacts where path = 'report.json'")[0][0]),
    "package": (("model version", "orders/1", "package"), lambda shop: shop.query("select package from model_versions")[0][0]),
    "package file": (("model version", "orders/1", "package file feature_program.json"),
                     lambda shop: package_files(shop)["feature_program.json"]),
    "step output": (("step output", None, "rows"), lambda shop: outputs(shop, "split")["rows"]),
}


def named(report, kind, name, part):
    return [damage for damage in report["damages"]
            if any(o["kind"] == kind and name in (None, o["name"]) and o["part"] == part for o in damage["objects"])]


def test_a_whole_store_is_sound_and_everything_is_counted(whole):
    report = whole.verify()
    assert report["sound"] is True and report["damages"] == [] and report["notes"] == []
    assert report["blobs"]["referenced"] == report["blobs"]["hashed"] == len(whole.blobs())
    assert report["blobs"]["bytes"] == sum(path.stat().st_size for path in whole.blobs())
    assert report["reclaimable"] == {"blobs": 0, "blob_bytes": 0, "leftovers": 0, "leftover_bytes": 0}
    assert report["prediction_log"] == {"segments": 1, "predictions": ROWS}
    assert report["audit_entries"] == whole.query("select count(*) from audit_log")[0][0] > 2
    assert whole.verify("--quick")["blobs"]["hashed"] == 0


@pytest.mark.parametrize("what", OBJECTS)
def test_a_flipped_bit_is_found_and_its_object_named(shop, what):
    (kind, name, part), digest_of = OBJECTS[what]
    path = shop.blob(digest_of(shop))
    stores.flip_somewhere(path, random.Random(what))
    report = shop.verify(expect=WORK_FAILED)
    found = named(report, kind, name, part)
    assert len(found) == 1 and found[0]["rule"] == "damaged_blob", report["damages"]
    assert found[0]["file"].endswith(path.name) and str(path.name) in found[0]["remedy"] and "backup" in found[0]["remedy"]
    # Nothing sound is called damaged: all that is named is held in this blob, or is a package that it keeps from opening.
    assert all(damage["file"] and damage["file"].endswith(path.name) for damage in report["damages"]), report["damages"]


@pytest.mark.parametrize("flags", [[], ["--quick"]])
@pytest.mark.parametrize("what", OBJECTS)
def test_a_missing_and_a_cut_blob_are_found_even_quickly(shop, what, flags):
    (kind, name, part), digest_of = OBJECTS[what]
    path = shop.blob(digest_of(shop))
    whole = path.read_bytes()
    path.unlink()
    assert named(shop.verify(*flags, expect=WORK_FAILED), kind, name, part)[0]["rule"] == "missing_blob"
    path.write_bytes(whole[:-1])
    report = shop.ask("verify", *flags, expect=(0, WORK_FAILED)).json
    # Without a recorded size a shorter blob is found by reading it.
    if not flags or what in ("dataset part", "run artifact", "package", "package file"):
        assert named(report, kind, name, part), report
    path.write_bytes(whole)
    assert shop.verify(*flags)["sound"]


def test_everything_is_told_at_once(shop):
    digests = {what: digest_of(shop) for what, (_, digest_of) in OBJECTS.items()}
    for what in ("dataset part", "run artifact", "step output"):
        shop.blob(digests[what]).unlink()
    stores.flip_somewhere(shop.blob(digests["package file"]), random.Random(1))
    shop.change("update audit_log set actor = 'nobody' where number = 2")
    report = shop.verify(expect=WORK_FAILED)
    for what in ("dataset part", "run artifact", "step output", "package file"):
        assert named(report, *OBJECTS[what][0]), (what, report["damages"])
    assert any(damage["rule"] == "changed_entry" for damage in report["damages"])


def test_a_damaged_package_is_neither_served_nor_used(shop):
    path = shop.blob(package_files(shop)["feature_program.json"])
    stores.flip_somewhere(path, random.Random(2))
    rows = pd.read_csv(shop.folder / "orders.csv", nrows=3)
    rows.to_csv(shop.folder / "rows.csv", index=False)
    call = shop.ask("predict", "orders@live", "--input", "rows.csv", "--output", "out.csv", expect=WORK_FAILED)
    assert call.error["code"] == "corrupt" and not (shop.folder / "out.csv").exists()
    assert shop.ask("serve", "--listen", "127.0.0.1:0", expect=WORK_FAILED).error["code"] == "corrupt"
    assert shop.ask("models", "list").json, "the registry still answers"


def test_a_damaged_step_output_is_mended_by_computing_it_anew(shop):
    path = shop.blob(outputs(shop, "split")["rows"])
    path.unlink()
    shop.verify(expect=WORK_FAILED)
    shop.ask("run")
    assert shop.verify()["sound"]


RECORDS = {
    "rows of a version": ("update dataset_versions set rows = rows + 1", "wrong_row_count", "orders@v1"),
    "parts of a version": ("update dataset_versions set parts = replace(parts, '\"rows\":1200', '\"rows\":1199')", "wrong_row_count", "orders@v1"),
    "digest of a version": ("update dataset_versions set schema = replace(schema, 'colour', 'color')", "damaged_record", "orders@v1"),
    "audit entry changed": ("update audit_log set subject = 'orders/7' where number = 2", "changed_entry", "audit_log[2]"),
    "audit entry gone": ("delete from audit_log where number = 2", "missing_entry", "audit_log[2]"),
    "model version gone": ("delete from model_versions", "lost_record", "orders/1"),
    "alias moved unseen": ("update model_aliases set version = 9", "dangling_alias", "orders@live"),
    "status": ("update pipeline_runs set ended = null", "wrong_status", "pipeline run"),
    "step gone": ("delete from pipeline_steps where name = 'select'", "missing_step", "pipeline run"),
    "run gone": ("delete from runs", "dangling_reference", "run_"),
    "metric": ("update run_metrics set value = value + 1", "missing_metric_point", "run "),
}


@pytest.mark.parametrize("what", RECORDS)
def test_records_changed_behind_its_back_are_found(shop, what):
    sql, rule, subject = RECORDS[what]
    shop.change(sql)
    report = shop.verify(expect=WORK_FAILED)
    found = [damage for damage in report["damages"] if damage["rule"] == rule]
    assert found, report["damages"]
    assert any(subject in json.dumps(damage["objects"]) for damage in found), found


def test_a_damaged_segment_is_found_and_a_torn_end_is_only_noted(shop):
    segment = shop.segments()[0]
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-5])
    report = shop.verify()
    assert report["prediction_log"]["predictions"] == ROWS - 1 and "never finished" in report["notes"][0]
    chance = random.Random(3)
    for _ in range(60):
        segment.write_bytes(whole)
        bit = chance.randrange(8 * (len(whole) - 600))  # the last entry looks torn when it is damaged
        stores.flip(segment, bit)
        report = shop.verify("--quick", expect=WORK_FAILED)
        assert [damage["rule"] for damage in report["damages"]] == ["damaged_segment"], f"bit {bit}"
        assert report["damages"][0]["objects"][0]["name"].startswith("predictions/")


def test_what_nothing_refers_to_is_counted_not_called_damage(shop):
    shop.put_orphan(b"orphan", 0)
    (shop.store / "blobs" / "tmp-99").write_bytes(b"half")
    (shop.store / "tmp" / "part-abc").mkdir()
    report = shop.verify()
    assert report["sound"] and report["reclaimable"] == {"blobs": 1, "blob_bytes": 6, "leftovers": 2, "leftover_bytes": 4}


def test_a_store_that_cannot_be_opened_says_how_to_restore(shop):
    (shop.store / "metadata.db").write_bytes(b"something else entirely" * 400)
    for suffix in ("-wal", "-shm"):
        (shop.store / f"metadata.db{suffix}").unlink(missing_ok=True)
    call = shop.ask("verify", expect=UNREACHABLE)
    assert "martlet restore" in call.error["message"]


def test_verify_changes_nothing(shop):
    before = {path: path.read_bytes() for path in shop.store.rglob("*") if path.is_file()}
    shop.verify()
    after = {path: path.read_bytes() for path in shop.store.rglob("*") if path.is_file()}
    assert before == after
