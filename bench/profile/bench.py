"""What a table looks like: `martlet data profile`, exact, beside DuckDB's SUMMARIZE (approximate quantiles and distinct counts)
and Polars by hand (exact), on ten million rows of twenty mixed columns."""
import os

from measured import WORK, Contender, run

ROWS = 10_000_000


def measure(bench):
    rows = int(ROWS * bench.rows)
    file = WORK / "profile" / f"mixed-{rows}.parquet"
    peer = [bench.python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")]
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        run([*peer, "make", file, rows])
    bench.compare("profile",
                  Contender("martlet data profile (exact)", [bench.martlet, "data", "profile", file, "--json"]),
                  Contender("DuckDB SUMMARIZE (approximate)", [*peer, "summarize", file]),
                  Contender("Polars by hand (exact)", [*peer, "polars", file]),
                  rows=rows, repeat=3, warm=False)
