"""A store with one of everything in it, copies of it, and ways to damage them."""
import hashlib
import os
import shutil
import sqlite3
from pathlib import Path

import orders
from program import SUCCESS, martlet

PROJECT = orders.PROJECT.replace("rounds: 20", "rounds: 5")


class Shop:
    """A project's folder with its store in .martlet."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.store = self.folder / ".martlet"

    def ask(self, *arguments, expect=SUCCESS, **how):
        return martlet(*arguments, "--json", cwd=self.folder, expect=expect, **how)

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Shop(folder)

    def verify(self, *flags, expect=SUCCESS):
        return self.ask("verify", *flags, expect=expect).json

    def query(self, sql, *values):
        """Reads the database as a stranger would; the store must not be in use."""
        database = sqlite3.connect(self.store / "metadata.db")
        rows = database.execute(sql, values).fetchall()
        database.close()
        return rows

    def change(self, sql, *values):
        """Changes records behind the program's back."""
        database = sqlite3.connect(self.store / "metadata.db")
        database.execute("pragma foreign_keys = off")
        changed = database.execute(sql, values).rowcount
        database.commit()
        database.close()
        assert changed > 0, sql

    def blob(self, digest):
        digits = digest.removeprefix("sha256:")
        return self.store / "blobs" / digits[:2] / digits[2:]

    def blobs(self):
        return sorted(path for path in (self.store / "blobs").glob("??/*") if not path.name.startswith("tmp-"))

    def segments(self):
        return sorted((self.store / "predictions").rglob("*.log"))

    def put_orphan(self, bytes_, age_seconds):
        """A blob that nothing refers to, put some time ago."""
        path = self.blob(hashlib.sha256(bytes_).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes_)
        make_old(path, age_seconds)
        return path


def make(folder, count=1200):
    """A shop whose run is over."""
    shop = Shop(orders.make(folder, project=PROJECT, count=count))
    shop.ask("run")
    return shop


def make_old(path, age_seconds):
    status = os.stat(path)
    os.utime(path, (status.st_atime - age_seconds, status.st_mtime - age_seconds))


def flip(path, bit):
    """Flips one bit of a file, counted from its beginning."""
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ (1 << bit % 8)]))


def flip_somewhere(path, chance):
    bit = chance.randrange(8 * path.stat().st_size)
    flip(path, bit)
    return bit
