"""How long it takes until a command line answers: the price of every call in a script."""
from measured import Contender


def measure(bench):
    bench.compare("start",
                  Contender("martlet version", [bench.martlet, "version"]),
                  Contender("python -c pass", [bench.python, "-c", "pass"]),
                  Contender("python: import lightgbm, pyarrow", [bench.python, "-c", "import lightgbm, pyarrow"]),
                  repeat=15)
