"""The commands of the documentation, as they stand in README.md and docs/*.md: found, run, and compared with what is shown.

A fenced block marked `sh`, and one whose lines begin with `$ `, is run; tests/README.md tells the marks that a page may carry.
"""
import json
import os
import re
import shlex
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = re.compile(r"<!--\s*test:\s*(.*?)\s*-->", re.S)
VERBS = re.compile(r"`(martlet [a-z][^`\n]*)`")
WORDS = {"folder", "skip", "write", "append", "exit"}
COMMANDS = {"sh", "bash", "shell", "console"}


@dataclass
class Block:
    page: Path
    line: int  # of the fence
    language: str
    text: str
    marks: list = field(default_factory=list)  # [(word, rest)] right before it

    def mark(self, word):
        return next((rest for name, rest in self.marks if name == word), None)

    @property
    def prompts(self):
        return any(line.startswith("$ ") for line in self.text.splitlines())

    @property
    def runs(self):
        return self.language in COMMANDS or self.prompts

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page):
    """The fenced blocks of a page, each with the marks between it and the text before."""
    found, marks, fence, lines = [], [], None, page.read_text().splitlines()
    body = []
    for number, line in enumerate(lines, 1):
        if fence is None:
            opening = re.match(r"^(\s*)(```+)\s*([A-Za-z]*)\s*$", line)
            if opening:
                fence, body = (opening[2], number, opening[3]), []
                continue
            for text in MARK.findall(line):
                word, _, rest = text.partition(" ")
                assert word in WORDS, f"{page.name}:{number}: the mark \"{word}\" means nothing; there are {', '.join(sorted(WORDS))}"
                assert word != "skip" or len(rest) > 10, f"{page.name}:{number}: say why the block is not run"
                marks.append((word, rest))
            if line.strip() and not MARK.search(line):
                marks = []
        elif line.strip().startswith(fence[0]):
            found.append(Block(page, fence[1], fence[2], "\n".join(body), marks))
            fence, marks = None, []
        else:
            body.append(line)
    assert fence is None, f"{page.name}: the fence of line {fence[1]} is not closed"
    return found


def commands(block):
    """[(script, shown output or None)]: one for a `sh` block, one for each prompt of the others."""
    if not block.prompts:
        return [(block.text, None)]
    found = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found[-1][1] or line.strip():
            found[-1][1].append(line)
    return [(script, "\n".join(shown).strip() or None) for script, shown in found]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Shell:
    """Runs the scripts of a page, one after the other, where the last one left off. `martlet serve` runs until stop()."""

    def __init__(self, folder, program):
        self.folder = folder
        self.here = folder
        self.state = folder.parent / f"{folder.name}.here"
        self.ports = {}
        self.servers = []
        bin_folder = Path(program).resolve().parent
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET_")}
        self.environment = {**kept, "TZ": "UTC", "PATH": f"{bin_folder}:{os.environ['PATH']}"}

    def _local(self, script):
        """Each loopback port of the page is a free one here."""
        def port(match):
            return "127.0.0.1:" + str(self.ports.setdefault(match[1], free_port()))
        script = re.sub(r"127\.0\.0\.1:(\d+)", port, script)
        script = re.sub(r"(?<![\w.])/(mnt|srv)/", rf"{self.folder}/\1/", script)
        script = re.sub(r"\bcurl -s ", "curl -s --fail-with-body ", script)  # a refusal is a failure
        return re.sub(r"\bbuild/bin/martlet\b", "martlet", script)

    def run(self, script, timeout=300):
        rest = []
        for line in script.splitlines():
            if re.match(r"martlet serve\b", line):
                self._serve(re.sub(r"\s*(&|#.*)\s*$", "", line))
            else:
                rest.append(line)
        body = self._local("\n".join(rest))
        finished = subprocess.run(["bash", "-euo", "pipefail", "-c", f"trap 'pwd >{shlex.quote(str(self.state))}' EXIT\n{body}"],
                                  cwd=self.here, capture_output=True, text=True, timeout=timeout, env=self.environment,
                                  stdin=subprocess.DEVNULL)
        self.here = Path(self.state.read_text().strip())
        return finished

    def _serve(self, line):
        if "--listen" not in line:
            line += " --listen 127.0.0.1:8080"
        log = open(self.folder.parent / f"{self.folder.name}.serve{len(self.servers)}", "w+")
        server = subprocess.Popen(shlex.split(self._local(line)), cwd=self.here, stdout=log, stderr=log, env=self.environment,
                                  stdin=subprocess.DEVNULL)
        self.servers.append((server, log))
        address = re.search(r"--listen (\S+)", self._local(line))[1]
        host, _, port = address.rpartition(":")
        for _ in range(600):
            assert server.poll() is None, f"{line}: it ended\n{Path(log.name).read_text()}"
            with socket.socket() as client:
                if client.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"{line}: nothing answers at {address}")

    def stop(self):
        for server, log in self.servers:
            server.terminate()
            server.wait(60)
            log.close()


def normal(text):
    """Without what differs from machine to machine and day to day: ids, digests, times taken; runs of blanks are one."""
    text = re.sub(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"\b([0-9a-f]{32,64}|[0-9a-f]{12}|0[0-9a-f]{3}…)(?!\w)", "ID", text)
    text = re.sub(r"\b\d+(\.\d+)? s\b", "N s", text)
    text = re.sub(r"^TIME ", "", text)  # of a log's line
    return re.sub(r"[ \t]+", " ", text).strip()


def shown_is_missing(shown, output):
    """The shown lines that the output lacks; lines stand in order, `…` is any text and a line of it alone any lines."""
    lines = [normal(line) for line in output.splitlines()]
    at, missing = 0, []
    for line in shown.splitlines():
        wanted = normal(line)
        if wanted in ("", "…"):
            continue
        pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
        # What is left out at the end of a line is explanation.
        hit = next((k for k in range(at, len(lines)) if re.match(pattern, lines[k])), None)
        if hit is None:
            missing.append(line)
        else:
            at = hit + 1
    return missing


def shape_difference(shown, found, path="$"):
    """Where a JSON answer lacks what is shown; values may differ, and fields may be added."""
    if isinstance(shown, str) and "…" in shown:
        return None
    if isinstance(shown, dict):
        if not isinstance(found, dict):
            return f"{path} is no object"
        for key, value in shown.items():
            if key not in found:
                return f"{path}.{key} is missing"
            if difference := shape_difference(value, found[key], f"{path}.{key}"):
                return difference
        return None
    if isinstance(shown, list):
        if not isinstance(found, list) or (shown and not found):
            return f"{path} is no list with something in it"
        return shape_difference(shown[0], found[0], f"{path}[0]") if shown else None
    number = (int, float)
    same = type(shown) is type(found) or (isinstance(shown, number) and isinstance(found, number)) or found is None
    return None if same else f"{path} is {found!r}, not like {shown!r}"


def prose_commands(page):
    """[(line, words)]: the calls of martlet that stand in running text, between backticks."""
    found, inside = [], False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.strip().startswith("```"):
            inside = not inside
        elif not inside:
            found += [(number, command) for command in VERBS.findall(line)]
    return found


def load_json(text):
    return json.loads(text)
