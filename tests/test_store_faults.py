"""What disks, people and limits do to a store: it refuses or recovers with a message, and never crashes or lies."""
import os
import random
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import requests
import stores
from program import PROGRAM, SUCCESS, WORK_FAILED, WRONG_CALL, Call, environment
from test_serve import records

UNREACHABLE, NOT_PERMITTED = 3, 5
SEED = int(os.environ.get("MARTLET_TEST_SEED", "20130101"))
PAGE = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return stores.make(tmp_path_factory.mktemp("whole") / "shop")


@pytest.fixture
def shop(whole, tmp_path):
    return whole.copy(tmp_path / "shop")


def without_log(shop):
    """The database alone: its log is moved into it."""
    database = sqlite3.connect(shop.store / "metadata.db")
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    for suffix in ("-wal", "-shm"):
        (shop.store / f"metadata.db{suffix}").unlink(missing_ok=True)
    return shop.store / "metadata.db"


# -- the database's file

def test_a_bit_flip_in_any_page_is_refused_or_found_and_never_a_crash(shop, measured):
    """Contents of cells carry no checksum: what integrity_check can't see is found by what the records must say, or is text."""
    path = without_log(shop)
    whole = path.read_bytes()
    chance = random.Random(SEED)
    outcomes = {"head": [], "anywhere": []}
    for page in range(len(whole) // PAGE):
        for where, size in (("head", 12), ("anywhere", PAGE)):
            path.write_bytes(whole)
            for suffix in ("-wal", "-shm"):
                (shop.store / f"metadata.db{suffix}").unlink(missing_ok=True)
            bit = 8 * (page * PAGE) + chance.randrange(8 * size)
            stores.flip(path, bit)
            verified = shop.ask("verify", "--quick", expect=None)
            assert verified.status in (SUCCESS, WORK_FAILED, UNREACHABLE, WRONG_CALL), f"bit {bit}\n{verified}"
            if verified.status != SUCCESS:
                assert verified.json.get("damages") or verified.error["message"], f"bit {bit}"
            for verb in (["status"], ["models", "list"], ["data", "list"]):
                shop.ask(*verb, expect=None)  # no signal, no internal error
            outcomes[where].append(verified.status != SUCCESS)
    for where, found in outcomes.items():
        measured(f"bit flips in the database, {where} of each of {len(found)} pages: {sum(found)} found by verify, none crashed")
    assert sum(outcomes["head"]) > 0.5 * len(outcomes["head"])


@pytest.mark.parametrize("name", ["text", "empty pages", "another program's", "a directory"])
def test_what_is_no_store_is_refused_with_a_message_and_left_as_it_is(shop, name):
    path = without_log(shop)
    path.unlink()
    if name == "text":
        path.write_text("this is not a database\n" * 500)
    elif name == "empty pages":
        path.write_bytes(bytes(8192))
    elif name == "a directory":
        path.mkdir()
    else:
        other = sqlite3.connect(path)
        other.execute("create table addresses (name)")
        other.close()
    before = None if path.is_dir() else path.read_bytes()
    call = shop.ask("verify", expect=UNREACHABLE)
    assert str(path.name) in call.error["message"] and "restore" in call.error["message"]
    shop.ask("ps", expect=(WORK_FAILED, WRONG_CALL, UNREACHABLE))
    shop.ask("run", expect=(WORK_FAILED, WRONG_CALL, UNREACHABLE))
    assert path.is_dir() or path.read_bytes() == before


def test_a_store_of_a_newer_martlet_is_refused_and_left_as_it_is(shop):
    shop.change("insert into schema_migrations values ('tracking', 99, 'of the future')")
    path = without_log(shop)
    before = path.read_bytes()
    for verb in (["verify"], ["ps"], ["run"], ["gc"], ["backup", shop.folder / "backup"]):
        call = shop.ask(*verb, expect=(WRONG_CALL, UNREACHABLE))
        assert "newer martlet" in call.error["message"] and "of the future" in call.error["message"]
    assert without_log(shop).read_bytes() == before


# -- the log beside it

@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A store whose process was killed while it ran, with what it had in its log."""
    for attempt in range(20):
        shop = stores.Shop(stores.orders.make(tmp_path_factory.mktemp("interrupted") / "shop", project=stores.PROJECT, count=1200))
        running = subprocess.Popen([PROGRAM, "--quiet", "run"], cwd=shop.folder, env=environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while len(list(shop.store.glob("logs/*/*.log"))) < 4 and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        running.kill()
        running.wait()
        log = shop.store / "metadata.db-wal"
        if log.exists() and log.stat().st_size > 20 * PAGE:
            return shop
    raise AssertionError("no kill left a log")


def test_a_truncated_log_loses_the_newest_commits_alone(interrupted, tmp_path, measured):
    size = (interrupted.store / "metadata.db-wal").stat().st_size
    chance = random.Random(SEED)
    opened = refused = 0
    for number in range(24):
        shop = interrupted.copy(tmp_path / f"shop-{number}")
        os.truncate(shop.store / "metadata.db-wal", chance.randrange(size + 1))
        (shop.store / "metadata.db-shm").unlink()
        call = shop.ask("verify", expect=(SUCCESS, UNREACHABLE, WORK_FAILED))
        # What the log began with may be the schema itself: then there is an empty store, which is sound.
        assert call.status != WORK_FAILED, call
        opened += call.status == SUCCESS
        refused += call.status == UNREACHABLE
        shutil.rmtree(shop.folder)
    measured(f"log cut at 24 places: {opened} opened and sound, {refused} refused")
    assert opened > 0


def test_without_its_index_the_log_is_read_anew(interrupted, tmp_path):
    shop = interrupted.copy(tmp_path / "shop")
    (shop.store / "metadata.db-shm").unlink()
    assert shop.verify()["sound"]
    with_index = interrupted.copy(tmp_path / "with-index")
    assert shop.ask("ps").json == with_index.ask("ps").json


def test_bit_flips_in_the_log_lose_commits_or_are_refused_and_never_a_crash(interrupted, tmp_path):
    size = (interrupted.store / "metadata.db-wal").stat().st_size
    chance = random.Random(SEED + 1)
    for number in range(16):
        shop = interrupted.copy(tmp_path / f"shop-{number}")
        stores.flip(shop.store / "metadata.db-wal", chance.randrange(8 * size))
        (shop.store / "metadata.db-shm").unlink()
        assert shop.ask("verify", expect=(SUCCESS, UNREACHABLE)).json
        shutil.rmtree(shop.folder)


def test_a_stale_log_beside_an_older_database_is_no_crash(whole, interrupted, tmp_path):
    shop = whole.copy(tmp_path / "shop")
    without_log(shop)
    shutil.copy(interrupted.store / "metadata.db-wal", shop.store / "metadata.db-wal")
    shop.ask("verify", expect=(SUCCESS, WORK_FAILED, UNREACHABLE))


# -- full, read-only and exhausted

class Mount:
    """A small file system of its own, in a mount namespace of its own; gone with its process."""

    def __init__(self, folder, options, bind=None):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        what = f"mount --bind {bind} {folder} && mount -o remount,ro,bind {folder}" if bind else f"mount -t tmpfs -o {options} none {folder}"
        self.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", f"{what} && echo mounted && exec sleep 3600"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "mounted":
            self.holder.wait()
            pytest.skip(f"file systems can't be mounted here: {self.holder.stderr.read().strip()}")
        # The same folder, seen from outside.
        self.inside = Path(f"/proc/{self.holder.pid}/root{folder}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()

    def words(self, *arguments):
        return ["nsenter", "-t", str(self.holder.pid), "-m", "sh", "-c", 'cd "$0" && exec "$@"', f"{self.folder}/shop", PROGRAM,
                *map(str, arguments)]

    def ask(self, *arguments, expect=SUCCESS):
        finished = subprocess.run(self.words(*arguments, "--json"), capture_output=True, text=True, timeout=120, env=environment(),
                                  stdin=subprocess.DEVNULL)
        call = Call(arguments, finished)
        allowed = expect if isinstance(expect, tuple) else (expect,)
        assert call.status in allowed, f"expected exit status {expect}\n{call}"
        return call


def fill(folder):
    """Until nothing more goes in; gives the files, to be removed."""
    filler = folder / "filler"
    file = os.open(filler, os.O_WRONLY | os.O_CREAT)
    for piece in (1 << 20, 4096, 1):
        try:
            while True:
                os.write(file, b"x" * piece)
        except OSError:
            continue
    os.close(file)
    return [filler]


def use_up_names(folder):
    files = []
    try:
        for i in range(100_000):
            path = folder / f"filler-{i}"
            path.touch()
            files.append(path)
    except OSError:
        pass
    return files


@pytest.mark.parametrize("exhaust, options", [(fill, "size=32m"), (use_up_names, "size=64m,nr_inodes=400")], ids=["bytes", "inodes"])
def test_a_full_disk_refuses_writes_reads_go_on_and_writes_resume(whole, tmp_path, exhaust, options):
    with Mount(tmp_path / "small", options) as small:
        shutil.copytree(whole.folder, small.inside / "shop")
        server = subprocess.Popen(small.words("serve", "--listen", "127.0.0.1:0"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, env=environment())
        try:
            for line in server.stderr:
                if "listening on" in line:
                    url = line.split("listening on ")[1].split()[0]
                    break
            else:
                raise AssertionError("serve didn't listen")
            rows = records(pd.read_csv(whole.folder / "orders.csv", nrows=3))

            def answers():
                return requests.post(f"{url}/invocations", json={"dataframe_records": rows}, timeout=10).status_code
            assert answers() == 200
            fillers = exhaust(small.inside)
            before = small.ask("models", "list").json
            refused = small.ask("run", "--no-cache", expect=(UNREACHABLE, WORK_FAILED))
            said = refused.out + refused.err
            assert "space" in said or "full" in said, refused
            assert answers() == 200, "a model in memory needs no disk"
            assert small.ask("models", "list").json == before
            assert small.ask("verify").json["sound"], "nothing half written is visible"
            small.ask("backup", small.folder / "backup", expect=(UNREACHABLE, WORK_FAILED))
            assert answers() == 200
            for path in fillers:
                path.unlink()
            assert small.ask("run", "--no-cache", expect=SUCCESS).json["status"] == "succeeded"
            assert small.ask("verify").json["sound"]
            assert answers() == 200
        finally:
            server.kill()
            server.wait()


def test_a_read_only_store_is_refused_with_a_message(whole, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copytree(whole.folder, outside / "shop")
    with Mount(tmp_path / "read-only", "", bind=outside) as mounted:
        for verb in (["verify"], ["run"], ["ps"], ["gc"]):
            call = mounted.ask(*verb, expect=(UNREACHABLE, NOT_PERMITTED))
            assert "metadata" in call.error["message"] or "read-only" in call.error["message"].lower(), call


def test_too_few_descriptors_are_an_error_never_a_crash(shop, measured):
    enough = None
    for limit in (4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64, 128):
        finished = subprocess.run(["prlimit", f"--nofile={limit}", PROGRAM, "--json", "run", "--no-cache"], cwd=shop.folder, capture_output=True,
                                  text=True, timeout=120, env=environment(), stdin=subprocess.DEVNULL)
        call = Call(["run", f"with {limit} descriptors"], finished)
        assert call.status in (SUCCESS, WORK_FAILED, WRONG_CALL, UNREACHABLE) or (limit < 8 and call.status == 127), call
        if call.status == SUCCESS and enough is None:
            enough = limit
        assert shop.verify()["sound"], f"after {limit} descriptors"
    measured(f"a run needs between {enough} descriptors and the limit tried before it")
    assert enough is not None
