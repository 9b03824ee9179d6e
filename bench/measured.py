"""Runs commands and says how long they took: what every subject of bench/ shares.

Commands that are compared take turns in one run, so that whatever else the machine does hits them alike. A subject is
bench/NAME/bench.py with `measure(bench)`, which calls bench.compare(); bench/run collects the answers.
"""
import hashlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "bench" / "data"


def environment():
    """Peers run with the fastest kernels that their libraries choose by themselves."""
    kept = dict(os.environ)
    kept.pop("OPENBLAS_CORETYPE", None)
    return kept


def installed(pins, folder, what):
    """The python of an environment with just these pins, made when it isn't there or they have changed."""
    mark = folder / "pins.sha256"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if mark.exists() and mark.read_text() == digest:
        return python
    print(f"bench: installing {what} (once)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-input", "--require-hashes", "-r", pins], check=True)
    mark.write_text(digest)
    return python


def run(command, cwd=None):
    """Seconds, peak memory and standard output of one call; a failure ends the benchmark."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
                             env=environment())
    out, err = child.communicate()
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))}\n  ended with {child.returncode}\n{err.decode()[-2000:]}")
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "out": out.decode()}


@dataclass
class Contender:
    name: str
    command: list
    cwd: Path = None
    # Reads a figure of its own (seconds) from the standard output instead of the wall clock's.
    figure: object = None
    before: object = None
    runs: list = field(default_factory=list)
    cpu: list = field(default_factory=list)


@dataclass
class Bench:
    martlet: Path
    python: Path
    rows: float  # a factor on the number of rows
    repeat: int = None  # instead of what the subject finds right
    results: list = field(default_factory=list)

    def compare(self, subject, ours, *peers, repeat=5, rows=0, warm=True, note=""):
        """Measures in turns, prints medians and how many times longer each peer takes."""
        contenders = [ours, *peers]
        repeat = self.repeat or repeat
        for number in range(repeat + (1 if warm else 0)):
            for one in contenders:
                if one.before is not None:
                    one.before()
                result = run(one.command, one.cwd)
                if warm and number == 0:
                    continue
                one.runs.append(one.figure(result["out"]) if one.figure else result["wall"])
                one.cpu.append(result["cpu"])
        own = statistics.median(ours.runs)
        print(f"\n{subject}{': ' + note if note else ''}")
        for one in contenders:
            median = statistics.median(one.runs)
            line = f"  {one.name:<44} {median:10.4f} s  [{min(one.runs):.4f}–{max(one.runs):.4f}]"
            if rows:
                line += f"  {rows / median:12,.0f} rows/s"
            if one is not ours:
                line += f"  {median / own:8.2f}×"
            print(line, flush=True)
            self.results.append({"subject": subject, "name": one.name, "ours": one is ours, "note": note, "median_s": median,
                                 "runs_s": one.runs, "cpu_s": statistics.median(one.cpu), "rows": rows, "ratio": median / own,
                                 "command": [str(word) for word in one.command]})


def machine():
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    flags = Path("/proc/cpuinfo").read_text()
    vectors = "AVX-512" if " avx512bw" in flags else "AVX2" if " avx2" in flags else "none"
    return {"cpu": cpu, "threads": len(os.sched_getaffinity(0)), "vectors": vectors, "kernel": platform.release(),
            "load": os.getloadavg()[0], "python": sys.version.split()[0], "when": time.strftime("%F %T")}


def generate(path, write):
    """Makes a data file once; it appears whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".new")
        write(partial)
        partial.rename(path)
    return path


def save(results, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1))
