"""The services that a store may lie on, started for the tests from services/*.sh: PostgreSQL and an S3 server, each on a free loopback port."""
import os
import socket
import subprocess
from pathlib import Path

import pytest
from program import ROOT, environment

SCRIPTS = ROOT / "tests" / "services"
S3_SECRET = "test-secret-that-is-never-shown"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A PostgreSQL 15 in a folder; `url` names its database. Skips the test where it isn't installed."""

    def __init__(self, folder):
        for each in (folder, *folder.parents):  # the server's user isn't root
            if each.owner() == folder.owner() and str(each) != "/":
                each.chmod(each.stat().st_mode | 0o011)
        self.settings = {**os.environ, "PG_DIR": str(folder / "server"), "PG_PORT": str(free_port()), "PG_OWNER": str(os.getpid())}
        if self.call("available").returncode != 0:
            pytest.skip("NOT TESTED: PostgreSQL 15 isn't installed here; tests/services/postgres.sh install")
        started = self.call("start")
        assert started.returncode == 0, started.stderr
        self.url = started.stdout.split("PG_URL=")[1].strip()

    def call(self, verb):
        return subprocess.run([SCRIPTS / "postgres.sh", verb], env=self.settings, capture_output=True, text=True, timeout=300)

    def stop(self):
        wiped = self.call("wipe")
        assert wiped.returncode == 0, wiped.stderr


class S3:
    """An S3 server over a folder, with the bucket `blobs`. Skips the test where it can't be had."""

    def __init__(self, folder):
        self.port = free_port()
        self.settings = {**os.environ, "AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": S3_SECRET,
                         "MARTLET_S3_DIR": str(folder), "MARTLET_S3_PORT": str(self.port)}
        self.folder = Path(folder)
        started = self.call("start")
        if started.returncode == 75:
            pytest.skip("no S3 server can be had on this machine: " + started.stderr.strip().splitlines()[-1])
        assert started.returncode == 0, started.stderr

    def call(self, verb):
        return subprocess.run([SCRIPTS / "s3.sh", verb], env=self.settings, capture_output=True, text=True, timeout=900)

    def stop(self):
        self.call("stop")

    def place(self, prefix):
        (self.folder / "data" / "blobs").mkdir(exist_ok=True)  # a bucket is a folder there
        return f"s3://blobs/{prefix}?endpoint=http://127.0.0.1:{self.port}"

    def credentials(self):
        return {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": S3_SECRET}

    def environment(self, **more):
        return environment(**self.credentials(), **more)

    def objects(self, prefix):
        return sorted(path for path in (self.folder / "data" / "blobs" / prefix).rglob("*") if path.is_file())
