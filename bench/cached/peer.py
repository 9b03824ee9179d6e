"""The peer of bench/cached: a chain of Luigi tasks whose targets are files. peer.py FOLDER COUNT"""
import sys
from pathlib import Path

import luigi

FOLDER, COUNT = Path(sys.argv[1]), int(sys.argv[2])


class Link(luigi.Task):
    number = luigi.IntParameter()

    def requires(self):
        return [Link(self.number - 1)] if self.number else []

    def output(self):
        return luigi.LocalTarget(str(FOLDER / f"t{self.number}"))

    def run(self):
        with self.output().open("w"):
            pass


class Chain(luigi.WrapperTask):
    def requires(self):
        return [Link(number) for number in range(COUNT)]


sys.exit(0 if luigi.build([Chain()], local_scheduler=True, workers=1, log_level="WARNING") else 1)
