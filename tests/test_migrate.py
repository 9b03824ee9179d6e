"""`migrate`: a store in use becomes another one, between SQLite and PostgreSQL, a folder and an S3 server; killed and repeated."""
import hashlib
import os
import random
import sqlite3
import subprocess
import threading
import time

import pytest
import requests
import stores
from program import CONFLICT, PROGRAM, SUCCESS, WORK_FAILED, WRONG_CALL, environment, martlet
from server_process import Server
from test_gc_and_backup import knowledge
from test_postgres_store import server as postgres  # noqa: F401
from test_s3 import server as s3  # noqa: F401

KILLS = int(os.environ.get("MARTLET_TEST_KILLS", "12"))
SEED = int(os.environ.get("MARTLET_TEST_SEED", "20130101"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return stores.make(tmp_path_factory.mktemp("whole") / "shop")


@pytest.fixture
def shop(whole, tmp_path):
    return whole.copy(tmp_path / "shop")


class Client:
    """Writes through the server's tracking interface, one run after the other, until it is told to stop."""

    def __init__(self, url):
        self.url = url
        self.runs = []
        self.failed = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def call(self, path, **body):
        answer = requests.post(f"{self.url}/api/2.0/mlflow/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run(self, experiment, number):
        now = int(time.time() * 1000)
        info = self.call("runs/create", experiment_id=experiment, start_time=now)["run"]["info"]
        metrics = [{"key": f"m{i % 7}", "value": [1.5, float(number), -0.0][i % 3], "timestamp": now + i, "step": i} for i in range(300)]
        self.call("runs/log-batch", run_id=info["run_id"], metrics=metrics, params=[{"key": "name", "value": f"näme {number}"}])
        below = info["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
        for name, bytes_ in (("a.txt", b"artifact %d" % number), ("same.bin", bytes(50_000))):
            sent = requests.put(f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{below}/{name}", data=bytes_, timeout=60)
            assert sent.status_code == 200, sent.text
        self.call("runs/update", run_id=info["run_id"], status="FINISHED", end_time=now + 1000)
        if number % 5 == 4:
            self.call("runs/delete", run_id=self.runs[-3])
        if number % 5 == 3:
            self.call("experiments/update", experiment_id=experiment, new_name=f"live {number}")
        self.runs.append(info["run_id"])

    def work(self):
        try:
            experiment = self.call("experiments/create", name="live")["experiment_id"]
            while not self.stopping.is_set():
                self.run(experiment, len(self.runs))
        except Exception as error:  # noqa: BLE001: told by the test
            self.failed = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(timeout=120)


def switch(shop):
    """As `migrate` says at its end."""
    (shop.folder / ".martlet").rename(shop.folder / ".martlet.before")
    (shop.folder / ".martlet.migrated").rename(shop.folder / ".martlet")


def rows_of(report):
    return {table["table"]: (table["rows"], table["digest"]) for table in report["tables"]}


def files_of(store):
    """Digests of logs and predictions."""
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
            for below in ("logs", "predictions") for path in (store / below).rglob("*.log")}


def start(*words, cwd, env):
    return subprocess.Popen([PROGRAM, "--quiet", *map(str, words)], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


# -- a store in use

def test_a_live_store_moves_to_postgres_and_s3_and_back_into_a_folder(shop, postgres, s3, tmp_path, measured):  # noqa: F811
    place, env = f"{postgres}?schema=moved", s3.environment()
    words = ("migrate", "--to", place, "--blobs", s3.place("moved/live"))
    with Server(shop.folder, "--store", str(shop.store)) as server:
        with Client(server.url) as client:
            while len(client.runs) < 5 and client.failed is None:
                time.sleep(0.02)
            passes = [shop.ask(*words, env=env).json for _ in range(3)]
        assert client.failed is None, client.failed
        server.stop()
    measured(f"{len(client.runs)} runs were written beside three migrations of {passes[0]['seconds']:.1f} s to {passes[-1]['seconds']:.1f} s")
    assert not passes[0]["up_to_date"] and "runs" in passes[0]["newer"], "somebody wrote meanwhile, and that is told"
    assert passes[0]["blobs"]["copied"] == passes[0]["blobs"]["all"]
    for one, next_one in zip(passes, passes[1:]):
        assert next_one["blobs"]["copied"] == next_one["blobs"]["all"] - one["blobs"]["all"], "only what is new"

    before, files = knowledge(shop), files_of(shop.store)
    last = shop.ask(*words, env=env).json
    assert last["up_to_date"] and last["newer"] == []
    again = shop.ask(*words, env=env).json
    assert all(table["added"] == table["changed"] == table["removed"] == 0 for table in again["tables"])
    assert again["blobs"]["copied"] == 0 and again["files"]["copied"] == 0 and rows_of(again) == rows_of(last)
    assert again["blobs"]["read"] == again["blobs"]["all"] == len(shop.blobs())
    assert knowledge(shop) == before, "the source is as it was"

    switch(shop)
    there = s3.environment(MARTLET_STORE=place)
    assert not (shop.store / "metadata.db").exists() and not list((shop.store / "blobs").glob("??/*"))
    assert files_of(shop.store) == files
    moved = {verb: shop.ask(*verb.split(), env=there).json for verb in before}
    assert moved == before
    assert len(moved["runs list"]) > 5
    report = shop.ask("verify", env=there).json
    assert report["sound"], report["damages"]
    assert all(step["cached"] for step in shop.ask("run", env=there, timeout=300).json["steps"]), "the cache came along"

    # And back: the same code, the drivers in each other's places.
    back = tmp_path / "back"
    returned = shop.ask("migrate", "--to", back, env=there).json
    assert returned["up_to_date"] and returned["blobs"]["copied"] == returned["blobs"]["all"]
    assert shop.ask("migrate", "--to", back, "--quick", env=there).json["blobs"] == {**returned["blobs"], "copied": 0, "copied_bytes": 0, "read": 0}
    martlet("verify", "--store", back, cwd=shop.folder)
    assert shop.ask("runs", "list", "--store", back).json == shop.ask("runs", "list", env=there).json
    assert shop.ask("models", "list", "--store", back).json == shop.ask("models", "list", env=there).json


def test_a_server_goes_on_at_the_new_place(shop, postgres, tmp_path):  # noqa: F811
    """Numbers that are given out (experiments, versions, audit entries) go on where the old store stopped."""
    place = f"{postgres}?schema=goes_on"
    shop.ask("migrate", "--to", place)
    switch(shop)
    there = environment(MARTLET_STORE=place)
    text = (shop.folder / "martlet.yaml").read_text()
    (shop.folder / "martlet.yaml").write_text(text.replace("seed: 3", "seed: 4"))
    shop.ask("run", expect=None, env=there, timeout=300)
    versions = shop.ask("models", "list", env=there).json
    assert len({version["version"] for version in versions}) == len(versions)
    assert shop.ask("verify", env=there).json["sound"]
    # What was written there is not to be lost.
    refused = martlet("migrate", "--store", shop.folder / ".martlet.before", "--to", place, "--files", shop.store, "--json",
                      cwd=shop.folder, expect=CONFLICT)
    assert "--overwrite" in refused.error["message"] and "runs" in refused.error["message"]
    assert shop.ask("models", "list", env=there).json == versions


# -- killed

@pytest.mark.parametrize("kind", ["folder", "postgres and s3"])
def test_killed_at_any_moment_it_ends_whole_when_repeated(shop, kind, request, tmp_path, measured):
    env = environment()
    if kind != "folder":
        server, bucket = request.getfixturevalue("postgres"), request.getfixturevalue("s3")
        env = bucket.environment()
    for i in range(60):
        shop.put_orphan(b"blob %d " % i * 20_000, 0)

    def words(number):
        if kind == "folder":
            return ["migrate", "--to", tmp_path / f"copy-{number}"]
        return ["migrate", "--to", f"{server}?schema=killed_{number}", "--blobs", bucket.place(f"killed/{number}"),
                "--files", tmp_path / f"copy-{number}"]
    began = time.perf_counter()
    assert start(*words("timed"), cwd=shop.folder, env=env).wait(timeout=120) == SUCCESS
    took = time.perf_counter() - began
    wanted = rows_of(shop.ask(*words("timed"), "--dry-run", env=env).json)
    chance = random.Random(SEED)
    hits = 0
    for number in range(KILLS):
        for _ in range(3):  # of one target
            running = start(*words(number), cwd=shop.folder, env=env)
            time.sleep(chance.uniform(0, took))
            hits += running.poll() is None
            running.kill()
            running.communicate()
        done = shop.ask(*words(number), env=env).json
        assert rows_of(done) == wanted and done["up_to_date"]
        assert done["blobs"]["all"] == len(shop.blobs())
        if kind == "folder":
            martlet("verify", "--store", tmp_path / f"copy-{number}", cwd=shop.folder)
            assert files_of(tmp_path / f"copy-{number}") == files_of(shop.store)
    assert shop.verify()["sound"]
    measured(f"{kind}: {hits} of {3 * KILLS} kills hit migrate at work ({took:.2f} s)")
    assert hits >= KILLS


# -- what it says, and refuses

def test_a_dry_run_says_what_would_be_copied_and_makes_nothing(shop, postgres, tmp_path):  # noqa: F811
    for target, folder in ((tmp_path / "new", tmp_path / "new"), (f"{postgres}?schema=dry", shop.folder / ".martlet.migrated")):
        words = ("--to", target)
        counted = shop.ask("migrate", *words, "--dry-run").json
        assert counted["dry_run"] and counted["blobs"]["copied"] == len(shop.blobs())
        assert not folder.exists()
        done = shop.ask("migrate", *words).json
        assert rows_of({"tables": [t for t in done["tables"] if t["table"] != "shared_keys"]}) == \
            rows_of({"tables": [t for t in counted["tables"] if t["table"] != "shared_keys"]})
        assert counted["files"]["copied"] == done["files"]["copied"] > 0
        assert shop.ask("migrate", *words, "--dry-run").json["blobs"]["copied"] == 0


def test_the_text_says_what_was_done_and_how_to_use_it(shop, tmp_path):
    said = martlet("migrate", "--to", tmp_path / "new", cwd=shop.folder)
    assert "every row was compared, and every blob" in said.out and f"--store {tmp_path / 'new'}" in said.out
    assert "run_metrics" in said.out and "records: succeeded" in said.err
    assert "to add" in martlet("migrate", "--to", tmp_path / "other", "--dry-run", cwd=shop.folder).out


def test_other_stores_the_same_store_and_other_folders_are_refused(shop, whole, postgres, s3, tmp_path):  # noqa: F811
    # Another store's records.
    other = stores.Shop(tmp_path / "other")
    stores.orders.make(other.folder, project=stores.PROJECT, count=1200)
    other.ask("run", env=environment(MARTLET_STORE=f"{postgres}?schema=taken"), timeout=300)
    taken = shop.ask("migrate", "--to", f"{postgres}?schema=taken", expect=CONFLICT).error
    assert taken["code"] == "already_exists" and " in runs" in taken["message"] and "schema=taken" in taken["message"]
    assert shop.ask("migrate", "--to", f"{postgres}?schema=taken", "--overwrite", expect=CONFLICT).error["code"] == "already_exists"
    assert other.ask("verify", env=environment(MARTLET_STORE=f"{postgres}?schema=taken")).json["sound"]
    # A folder of something else, and the store itself, by whatever name.
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"x")
    assert shop.ask("migrate", "--to", tmp_path / "photos", expect=CONFLICT).error["code"] == "already_exists"
    for same in (shop.store, shop.store / "metadata.db", shop.folder / ".." / shop.folder.name / ".martlet"):
        assert "own" in shop.ask("migrate", "--to", same, expect=WRONG_CALL).error["message"]
    own = environment(MARTLET_STORE=f"{postgres}?schema=taken")
    assert "own database" in other.ask("migrate", "--to", f"{postgres}?schema=taken&connect_timeout=3", expect=WRONG_CALL, env=own).error["message"]
    alias = postgres.replace("127.0.0.1", "localhost")
    aliased = other.ask("migrate", "--to", f"{alias}?schema=taken", expect=WRONG_CALL, env=own)
    assert "same database by another name" in aliased.error["message"]
    # A first call that fails on its way is no obstacle to the second.
    place, blobs = f"{postgres}?schema=later", s3.place("refused/later")
    shop.ask("migrate", "--to", place, "--blobs", blobs, expect=None, env={**s3.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"}).error
    assert shop.ask("migrate", "--to", place, "--blobs", blobs, env=s3.environment()).json["up_to_date"]
    # Wrong calls.
    assert "postgres://" in shop.ask("migrate", "--to", "mysql://host/db", expect=WRONG_CALL).error["message"]
    assert "s3://" in shop.ask("migrate", "--to", tmp_path / "new", "--blobs", "/somewhere", expect=WRONG_CALL).error["message"]
    martlet("migrate", cwd=shop.folder, expect=WRONG_CALL)
    secret = shop.ask("migrate", "--to", "postgres://ann:s3cr3t@127.0.0.1:1/ml", expect=None)
    assert secret.status != SUCCESS and "s3cr3t" not in secret.out + secret.err


def test_blobs_may_stay_where_they_are(shop, postgres, s3, tmp_path):  # noqa: F811
    """Records alone move; the blobs on the server are looked at and not copied."""
    env = s3.environment()
    shop.ask("migrate", "--to", tmp_path / "remote", "--blobs", s3.place("shared/one"), env=env)
    count = len(s3.objects("shared/one"))
    words = ("migrate", "--store", tmp_path / "remote", "--to", f"{postgres}?schema=shared", "--blobs", s3.place("shared/one"),
             "--files", tmp_path / "files")
    moved = shop.ask(*words, env=env).json
    assert moved["blobs"]["copied"] == 0 and moved["blobs"]["read"] == moved["blobs"]["all"] == count == len(s3.objects("shared/one"))
    assert "gc" in martlet(*words, cwd=shop.folder, env=env).out
    victim = max(s3.objects("shared/one"), key=lambda path: path.stat().st_size)
    victim.write_bytes(b"\x00" + victim.read_bytes()[1:])
    damaged = shop.ask(*words, env=env, expect=WORK_FAILED)
    assert victim.parent.name + victim.name in damaged.error["message"] and victim.exists(), "it is told, and not touched"


def test_a_check_that_fails_names_the_table_and_the_key(shop, tmp_path):
    """Rows that the target changes as they are written: what is read back isn't what was written."""
    target = tmp_path / "new"
    shop.ask("migrate", "--to", target)
    database = sqlite3.connect(target / "metadata.db")
    database.execute("create trigger meddle after update on runs begin update runs set name = 'meddled' where id = new.id; end")
    database.commit()
    database.close()
    run = shop.query("select id from runs limit 1")[0][0]
    shop.change("update runs set name = 'renamed' where id = ?", run)
    call = shop.ask("migrate", "--to", target, expect=WORK_FAILED)
    assert call.error["code"] == "corrupt" and f'runs: 0 rows are missing, 1 are other ones' in call.error["message"] and run in call.error["message"]
    assert [finding["path"] for finding in call.error["findings"]] == ["runs"]
    database = sqlite3.connect(target / "metadata.db")
    assert database.execute("select name from runs where id = ?", (run,)).fetchone()[0] not in ("renamed", "meddled"), "nothing of it is kept"
    database.execute("drop trigger meddle")
    database.commit()
    database.close()
    assert shop.ask("migrate", "--to", target).json["up_to_date"]
    martlet("verify", "--store", target, cwd=shop.folder)
