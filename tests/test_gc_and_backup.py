"""`gc`, `backup` and `restore`: nothing needed is ever lost, killed at any moment or beside others at work."""
import fcntl
import json
import os
import random
import shutil
import subprocess
import time

import pytest
import stores
from program import CONFLICT, PROGRAM, SUCCESS, WORK_FAILED, WRONG_CALL, environment, martlet

KILLS = int(os.environ.get("MARTLET_TEST_KILLS", "24"))
SEED = int(os.environ.get("MARTLET_TEST_SEED", "20130101"))
DAY = 24 * 3600


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return stores.make(tmp_path_factory.mktemp("whole") / "shop")


@pytest.fixture
def shop(whole, tmp_path):
    return whole.copy(tmp_path / "shop")


def knowledge(shop, *flags):
    """What people can ask of a store."""
    asked = {verb: shop.ask(*verb.split(), *flags).json for verb in ("status", "ps", "models list", "runs list", "data show orders", "logs")}
    return asked


def start(*words, cwd):
    return subprocess.Popen([PROGRAM, "--quiet", *map(str, words)], cwd=cwd, env=environment(), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_after(seconds, *words, cwd):
    """SIGKILL after a while; gives whether it was still at work."""
    running = start(*words, cwd=cwd)
    time.sleep(seconds)
    alive = running.poll() is None
    running.kill()
    running.wait()
    return alive


def duration_of(*words, cwd):
    began = time.perf_counter()
    assert start(*words, cwd=cwd).wait(timeout=120) == SUCCESS
    return time.perf_counter() - began


# -- gc

def test_gc_removes_what_is_old_and_unneeded_and_nothing_else(shop):
    before = shop.blobs()
    wanted = knowledge(shop)
    old = [shop.put_orphan(b"old %d" % i, 2 * DAY) for i in range(5)]
    young = shop.put_orphan(b"young", 60)
    for folder in (shop.store / "tmp" / "part-x", shop.store / "logs" / "run_of_nobody"):
        folder.mkdir()
        (folder / "a.log").write_text("x" * 100)
        stores.make_old(folder / "a.log", 2 * DAY)
        stores.make_old(folder, 2 * DAY)
    temporary = shop.store / "blobs" / "tmp-7"
    temporary.write_bytes(b"half a blob")
    stores.make_old(temporary, 2 * DAY)
    for path in before:
        stores.make_old(path, 30 * DAY)

    counted = shop.ask("gc", "--dry-run").json
    assert all(path.exists() for path in [*old, young, temporary])
    done = shop.ask("gc").json
    assert {**counted, "dry_run": False, "cutoff": ""} == {**done, "cutoff": ""}
    assert done["blobs"] == {"count": 5, "bytes": 25} and done["too_young"]["count"] == 1
    assert done["leftovers"]["count"] == 2 and done["logs"]["count"] == 1
    assert done["kept"]["count"] == len(before)
    assert shop.blobs() == sorted([*before, young])
    assert not temporary.exists() and not (shop.store / "logs" / "run_of_nobody").exists()
    assert shop.verify()["sound"] and knowledge(shop) == wanted
    shop.ask("gc", "--older-than", "0s")
    assert not young.exists()


def test_gc_keeps_what_a_cached_step_needs(shop):
    for path in shop.blobs():
        stores.make_old(path, 30 * DAY)
    shop.ask("gc", "--older-than", "0s")
    assert all(step["cached"] for step in shop.ask("run").json["steps"]) and shop.verify()["sound"]


def test_gc_removes_the_package_of_a_removed_version(shop):
    """The registry's record is what keeps the package, and the step's outputs; without both it goes."""
    package = shop.blob(shop.query("select package from model_versions")[0][0])
    for table in ("model_aliases", "model_attestations", "model_versions", "step_cache", "pipeline_steps"):
        shop.change(f"delete from {table}")
    shop.ask("gc", "--older-than", "0s")
    assert not package.exists()


def test_a_blob_put_again_is_young_again(shop):
    """A step that stores what is there already must find it when its record is committed, however old the file is."""
    shop.change("delete from step_cache")
    path = shop.blob(shop.query("select digest from dataset_versions")[0][0])
    stores.make_old(path, 30 * DAY)
    shop.ask("run", "--from", "ingest:orders")
    assert time.time() - path.stat().st_mtime < DAY


def test_gc_removes_nothing_from_a_store_that_cannot_say_what_it_needs(shop):
    orphan = shop.put_orphan(b"orphan", 30 * DAY)
    stores.flip(shop.blob(shop.query("select package from model_versions")[0][0]), 77)
    call = shop.ask("gc", expect=WORK_FAILED)
    assert call.error["code"] == "corrupt" and "martlet verify" in call.error["message"]
    assert orphan.exists()


def test_two_collections_at_once_are_refused(shop):
    with open(shop.store / "garbage.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "gc" in shop.ask("gc", expect=CONFLICT).error["message"]
        assert shop.ask("backup", shop.folder / "backup", expect=CONFLICT)
    shop.ask("gc")


def test_gc_beside_a_run_takes_nothing_from_it(shop, measured):
    """gc over and over while runs store blobs, and rely on old ones, whose records are not committed yet. What a run stores is kept
    because it is at work; the three seconds are for what it stores when it has ended: the report."""
    collected = 0
    shop.change("delete from step_cache")
    shop.change("delete from pipeline_steps")
    for path in shop.blobs():
        stores.make_old(path, 30 * DAY)
    for number in range(4):
        text = (shop.folder / "martlet.yaml").read_text()
        (shop.folder / "martlet.yaml").write_text(text.replace("seed: ", f"seed: {number + 1}"))
        running = start("run", cwd=shop.folder)
        while running.poll() is None:
            shop.ask("gc", "--older-than", "3s")
            collected += 1
        assert running.returncode in (SUCCESS, WORK_FAILED, 4)
        report = shop.ask("verify", expect=None).json
        # The first run's steps were taken away above, nothing else may be missing.
        assert {damage["rule"] for damage in report["damages"]} <= {"missing_step"}, report
    measured(f"{collected} collections beside 4 runs")
    assert collected >= 4


def test_gc_killed_at_any_moment_loses_nothing_needed(shop, measured):
    wanted = knowledge(shop)
    needed = shop.blobs()
    for path in needed:
        stores.make_old(path, 30 * DAY)

    def scatter():
        for i in range(1500):
            shop.put_orphan(b"orphan %d" % i, 2 * DAY)
    scatter()
    took = duration_of("gc", cwd=shop.folder)
    chance = random.Random(SEED)
    hits = partly = 0
    for _ in range(KILLS):
        scatter()
        hit = kill_after(chance.uniform(0, took), "gc", cwd=shop.folder)
        hits += hit
        took *= 1.1 if hit else 0.7  # how long it takes now: the first one may have been slow
        left = len(shop.blobs()) - len(needed)
        partly += 0 < left < 1500
        assert set(needed) <= set(shop.blobs())
        assert shop.verify("--quick")["sound"]
    shop.ask("gc")
    assert shop.blobs() == needed and shop.verify()["sound"] and knowledge(shop) == wanted
    measured(f"{hits} of {KILLS} kills hit gc at work, {partly} in the middle of removing")
    assert hits >= KILLS // 2


def test_an_interrupted_run_can_be_resumed_after_gc(tmp_path):
    """Its project file is named by nothing but the run, and what its finished steps gave by nothing but them."""
    for attempt in range(20):
        shop = stores.Shop(stores.orders.make(tmp_path / f"shop-{attempt}", project=stores.PROJECT, count=1200))
        running = start("run", cwd=shop.folder)
        deadline = time.monotonic() + 30
        while len(list(shop.store.glob("logs/*/*.log"))) < 4 and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        running.kill()
        running.wait()
        if "running" in [run["status"] for run in shop.ask("ps").json]:
            break
    else:
        raise AssertionError("no kill hit a run at work")
    for path in shop.blobs():
        stores.make_old(path, 30 * DAY)
    shop.ask("gc", "--older-than", "0s")
    report = shop.verify()
    assert report["sound"] and "resume" in report["notes"][0]
    finished = {step["name"] for step in shop.ask("status").json["steps"] if step["status"] == "succeeded"}
    resumed = shop.ask("resume", expect=(SUCCESS, WORK_FAILED, 4)).json
    assert resumed["status"] == "succeeded" and finished
    assert shop.verify()["sound"]


# -- backup and restore

def restored(shop, backup, folder, expect=SUCCESS):
    """A shop with the project's files of `shop` and the backup's store."""
    folder.mkdir()
    for name in ("martlet.yaml", "orders.csv"):
        shutil.copy(shop.folder / name, folder / name)
    report = martlet("restore", backup, "--store", folder / ".martlet", "--json", expect=expect).json
    return stores.Shop(folder), report


def test_a_restored_store_knows_what_the_store_knew(shop, tmp_path):
    shop.put_orphan(b"not needed", 0)
    backup = tmp_path / "backup"
    made = shop.ask("backup", backup).json
    assert made["blobs"] == len(shop.blobs()) - 1
    other, report = restored(shop, backup, tmp_path / "other")
    assert report["verified"]["sound"] and report["blobs"] == made["blobs"]
    assert knowledge(other) == knowledge(shop)
    assert [path.name for path in other.blobs()] == [path.name for path in shop.blobs() if path.read_bytes() != b"not needed"]
    assert {path.name for path in other.store.iterdir()} <= {path.name for path in shop.store.iterdir()} | {"metadata.db-wal", "metadata.db-shm"}
    assert all(step["cached"] for step in other.ask("run").json["steps"]), "the cache came along"


def test_the_next_backup_copies_only_what_is_new(shop, tmp_path):
    backup = tmp_path / "backup"
    first = shop.ask("backup", backup).json
    second = shop.ask("backup", backup).json
    assert first["copied"] >= first["blobs"] and second["copied"] == 0
    text = (shop.folder / "martlet.yaml").read_text()
    (shop.folder / "martlet.yaml").write_text(text.replace("seed: 3", "seed: 4"))
    shop.ask("run", expect=None)
    third = shop.ask("backup", backup).json
    logs = len(list(shop.store.glob("logs/*/*.log")))
    assert 0 < third["copied"] <= third["blobs"] - second["blobs"] + logs and third["blobs"] > second["blobs"]
    other, _ = restored(shop, backup, tmp_path / "other")
    assert knowledge(other) == knowledge(shop)


def test_damage_in_the_backup_is_mended_by_the_next_and_refused_by_restore(shop, tmp_path):
    backup = tmp_path / "backup"
    shop.ask("backup", backup)
    manifest = json.loads((backup / "backup.json").read_text())
    chance = random.Random(4)
    for digest in (manifest["blobs"][3], manifest["database"], next(iter(manifest["files"].values()))["digest"]):
        digits = digest.removeprefix("sha256:")
        stores.flip_somewhere(backup / "blobs" / digits[:2] / digits[2:], chance)
    folder = tmp_path / "refused"
    call = martlet("restore", backup, "--store", folder, "--json", expect=WORK_FAILED)
    # The database comes last, and not at all when something else is damaged.
    assert call.error["code"] == "corrupt" and len(call.error["findings"]) == 2 and ": 2 files" in call.error["message"]
    assert martlet("ps", "--store", folder, "--json", expect=CONFLICT).error["code"] == "conflict", "no half store is opened"
    shop.ask("backup", backup, "--quick")
    martlet("restore", backup, "--store", folder, "--json", expect=(WORK_FAILED, CONFLICT))
    shop.ask("backup", backup)
    other, report = restored(shop, backup, tmp_path / "other")
    assert report["verified"]["sound"] and knowledge(other) == knowledge(shop)


def test_a_changed_manifest_of_a_backup_is_refused(shop, tmp_path):
    backup = tmp_path / "backup"
    shop.ask("backup", backup)
    manifest = backup / "backup.json"
    text = manifest.read_text()
    for changed in (text.replace("logs/", "../logs/", 1), text.replace('"size": ', '"size": 1', 1), text[:-40], text.replace('"format": 1', '"format": 2')):
        assert changed != text
        manifest.write_text(changed)
        martlet("restore", backup, "--store", tmp_path / "other", "--json", expect=(WORK_FAILED, WRONG_CALL))
        assert not (tmp_path / "other").exists()


def test_a_damaged_store_is_not_backed_up_and_the_backup_before_stays(shop, tmp_path):
    backup = tmp_path / "backup"
    shop.ask("backup", backup)
    wanted = knowledge(shop)
    shop.blob(shop.query("select digest from run_artifacts")[0][0]).unlink()
    call = shop.ask("backup", backup, expect=WORK_FAILED)
    assert call.error["code"] == "corrupt" and "martlet verify" in call.error["message"]
    other, _ = restored(shop, backup, tmp_path / "other")
    assert knowledge(other) == wanted


def test_what_is_no_backup_and_no_empty_store_is_left_alone(shop, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "holiday.jpg").write_bytes(b"x")
    assert shop.ask("backup", foreign, expect=CONFLICT).error["code"] == "already_exists"
    assert shop.ask("backup", shop.store, expect=CONFLICT).error["code"] == "already_exists"
    backup = tmp_path / "backup"
    shop.ask("backup", backup)
    for target in (foreign, shop.store):
        before = sorted(target.rglob("*"))
        assert martlet("restore", backup, "--store", target, "--json", expect=CONFLICT).error["code"] == "already_exists"
        assert sorted(target.rglob("*")) == before
    assert martlet("restore", foreign, "--store", tmp_path / "new", "--json", expect=WRONG_CALL).error["code"] == "not_found"


def test_backups_taken_while_runs_write_are_consistent(shop, tmp_path, measured):
    backup = tmp_path / "backup"
    taken = 0
    for number in range(3):
        text = (shop.folder / "martlet.yaml").read_text()
        (shop.folder / "martlet.yaml").write_text(text.replace("seed: ", f"seed: {number + 1}"))
        running = start("run", cwd=shop.folder)
        while running.poll() is None:
            shop.ask("backup", backup, "--quick")
            _, report = restored(shop, backup, tmp_path / f"other-{taken}")
            assert report["verified"]["sound"], report
            shutil.rmtree(tmp_path / f"other-{taken}")
            taken += 1
    measured(f"{taken} backups beside 3 runs, each restored and sound")
    assert taken >= 3


def test_a_backup_killed_at_any_moment_is_the_one_before_or_the_new_one(shop, tmp_path, measured):
    chance = random.Random(SEED + 1)
    took = duration_of("backup", tmp_path / "timed", cwd=shop.folder)
    hits = absent = 0
    for number in range(KILLS):
        backup = tmp_path / f"backup-{number}"
        hits += kill_after(chance.uniform(0, took), "backup", backup, cwd=shop.folder)
        if not (backup / "backup.json").exists():
            absent += 1
            martlet("restore", backup, "--store", tmp_path / "none", expect=WRONG_CALL)
        else:
            martlet("restore", backup, "--store", tmp_path / f"other-{number}", "--json")
        shop.ask("backup", backup)
        report = martlet("restore", backup, "--store", tmp_path / f"again-{number}", "--json").json
        assert report["verified"]["sound"]
        for folder in tmp_path.glob(f"*-{number}"):
            shutil.rmtree(folder)
    measured(f"{hits} of {KILLS} kills hit backup at work, {absent} left none")
    assert hits >= KILLS // 2


def test_an_update_of_a_backup_killed_at_any_moment_leaves_a_whole_one(shop, tmp_path):
    backup = tmp_path / "backup"
    shop.ask("backup", backup)
    chance = random.Random(SEED + 2)
    for number in range(KILLS // 2):
        (shop.store / "logs" / shop.query("select id from pipeline_runs")[0][0] / f"more-{number}.log").write_text(f"{number}\n" * 9000)
        kill_after(chance.uniform(0, 0.2), "backup", backup, cwd=shop.folder)
        report = martlet("restore", backup, "--store", tmp_path / f"other-{number}", "--json").json
        assert report["verified"]["sound"]
        shutil.rmtree(tmp_path / f"other-{number}")


def test_a_restore_killed_at_any_moment_goes_on_when_it_is_called_again(shop, tmp_path, measured):
    backup = tmp_path / "backup"
    shop.ask("backup", backup)
    wanted = knowledge(shop)
    took = duration_of("restore", backup, "--store", tmp_path / "timed", cwd=shop.folder)
    chance = random.Random(SEED + 3)
    hits = half = 0
    for number in range(KILLS):
        store = tmp_path / f"store-{number}"
        hits += kill_after(chance.uniform(0, took), "restore", backup, "--store", store, cwd=shop.folder)
        if (store / "restoring.json").exists():
            half += 1
            martlet("ps", "--store", store, expect=CONFLICT)
            martlet("run", "--store", store, cwd=shop.folder, expect=CONFLICT)
        if not (store / "metadata.db").exists() or (store / "restoring.json").exists():
            assert martlet("restore", backup, "--store", store, "--json").json["verified"]["sound"]
        assert knowledge(shop, "--store", store) == wanted
        assert not (store / "restoring.json").exists()
        shutil.rmtree(store)
    measured(f"{hits} of {KILLS} kills hit restore at work, {half} left half a store, which nobody could open")
    assert hits >= KILLS // 2


def test_two_restores_into_one_directory_are_refused(shop, tmp_path):
    backup = tmp_path / "backup"
    shop.ask("backup", backup)
    (tmp_path / "store").mkdir()
    with open(tmp_path / "store" / "restore.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        martlet("restore", backup, "--store", tmp_path / "store", expect=CONFLICT)
    martlet("restore", backup, "--store", tmp_path / "store")
