"""Drift of one million rows against one million, 14 numbers and 6 categories: `martlet drift` computes PSI, KS with its p-value,
Wasserstein, Jensen-Shannon and chi-square; so does the loop over SciPy that people write."""
import os

from measured import WORK, Contender, run

ROWS = 1_000_000


def measure(bench):
    rows = int(ROWS * bench.rows)
    folder = WORK / "drift" / str(rows)
    peer = [bench.python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")]
    if not (folder / "current.parquet").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run([*peer, "make", folder, rows])
    bench.compare("drift",
                  Contender("martlet drift", [bench.martlet, "drift", "--reference", folder / "reference.parquet", "--current",
                                              folder / "current.parquet", "--json"]),
                  Contender("SciPy, the same figures", [*peer, "all", folder]),
                  Contender("SciPy, KS and chi-square only", [*peer, "tests", folder]),
                  rows=2 * rows, repeat=3)
