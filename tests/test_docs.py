"""What the documentation says to type does what the documentation says. The mechanism is in docs.py, the marks in README.md."""
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

import docs
import orders
from program import PROGRAM, environment, martlet


def make_example(folder):
    """The example as it comes."""
    shutil.copytree(docs.ROOT / "examples" / "flight-delay", folder, dirs_exist_ok=True)


def make_flights(folder):
    """The example after its first run, in flights/."""
    shutil.copytree(docs.ROOT / "examples" / "flight-delay", folder / "flights")
    martlet("run", cwd=folder / "flights", timeout=600)


def make_churn(folder):
    """What getting-started assumes to lie there: customers.csv, and today's customers without their future."""
    random = np.random.default_rng(11)
    count = 4000
    months = random.integers(1, 60, count)
    age = random.integers(18, 90, count).astype(object)
    likely = 1 / (1 + np.exp(0.12 * months - 0.03 * (age.astype(float) - 50)))
    age[random.random(count) < 0.03] = "NA"
    frame = pd.DataFrame({"customer_id": np.arange(count), "contract_months": months, "age": age,
                          "churned": np.where(random.random(count) < likely, "yes", "no")})
    frame.to_csv(folder / "customers.csv", index=False)
    frame.head(50).drop(columns="churned").to_csv(folder / "today.csv", index=False)


def make_orders(folder):
    """The synthetic project of orders.py after its first run."""
    orders.make(folder)
    martlet("run", cwd=folder)


SMALL_FLIGHTS = """project: flight-delay
problem: {target: late, time: scheduled_at, key: [flight_id]}
data: {sources: {flights: {files: flights.csv, csv: {types: {scheduled_at: timestamp}}}}}
models: {candidates: [logistic]}
"""


def make_small_flights(folder):
    """A model of flights that takes the columns of the examples in serving.md, live after its first run."""
    random = np.random.default_rng(5)
    count = 2000
    at = pd.date_range("2013-01-01", periods=count, freq="30min")
    carrier = random.choice(["UA", "B6", "DL"], count)
    frame = pd.DataFrame({"flight_id": [f"{name}-{k}" for k, name in enumerate(carrier)], "carrier": carrier,
                          "origin": random.choice(["EWR", "JFK", "LGA"], count), "dest": random.choice(["IAH", "BQN", "MIA"], count),
                          "distance": random.integers(200, 2500, count), "scheduled_at": at.strftime("%Y-%m-%dT%H:%M:%SZ")})
    frame["late"] = random.random(count) < 0.05 + 0.5 * (carrier == "B6") + 0.3 * (at.hour >= 17)
    frame.to_csv(folder / "flights.csv", index=False)
    (folder / "martlet.yaml").write_text(SMALL_FLIGHTS)
    martlet("run", cwd=folder)


FOLDERS = {"empty": lambda folder: None, "example": make_example, "flights": make_flights, "small_flights": make_small_flights, "churn": make_churn,
           "orders": make_orders}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """name → a fresh copy of that folder; made once, since a run takes its time."""
    made = {}

    def give(name, target):
        assert name in FOLDERS, f"no folder is called {name}; there are {', '.join(FOLDERS)}"
        if name not in made:
            folder = tmp_path_factory.mktemp(f"docs-{name}")
            FOLDERS[name](folder)
            made[name] = folder
        return shutil.copytree(made[name], target)

    return give


class Page:
    """Runs the blocks of one page in order."""

    def __init__(self, path, root, prepared):
        self.path, self.root, self.prepared = path, root, prepared
        self.shells = []
        self.answer = ""  # what the last command printed
        self.ran = 0

    def shell(self, name=None):
        if name is not None or not self.shells:
            folder = self.prepared(name or "empty", self.root / f"{len(self.shells)}")
            self.shells.append(docs.Shell(folder, PROGRAM))
        return self.shells[-1]

    def block(self, block):
        folder = block.mark("folder")
        if folder is not None:
            self.shell(folder)
        for word in ("write", "append"):
            if (name := block.mark(word)) is not None:
                with open(self.shell().here / name, "w" if word == "write" else "a") as file:
                    file.write(block.text + "\n")
        if block.mark("skip") is not None:
            return
        if block.runs:
            self.run(block)
        elif block.language == "json" and self.answer:
            self.compare(block)
        if not block.runs:
            self.answer = ""  # only what stands right behind a command is its answer

    def run(self, block):
        expected = int(block.mark("exit") or 0)
        for script, shown in docs.commands(block):
            done = self.shell().run(script)
            self.ran += 1
            said = f"{block}\n$ {script}\nexit status {done.returncode}\n{done.stdout}\n{done.stderr}"
            assert done.returncode == expected, f"expected exit status {expected}\n{said}"
            self.answer = done.stdout
            if shown is not None:
                missing = docs.shown_is_missing(shown, done.stdout + done.stderr)
                assert not missing, "the page shows\n" + "\n".join(missing) + f"\nwhich isn't in\n{said}"

    def compare(self, block):
        answer, self.answer = self.answer, ""
        difference = docs.shape_difference(docs.load_json(block.text), docs.load_json(answer))
        assert difference is None, f"{block}: {difference} in\n{answer[:2000]}"

    def stop(self):
        for shell in self.shells:
            shell.stop()


@pytest.mark.parametrize("path", docs.PAGES, ids=lambda path: path.name)
def test_the_commands_of_the_page_work(path, tmp_path, prepared):
    page = Page(path, tmp_path, prepared)
    try:
        for block in docs.blocks(path):
            page.block(block)
    finally:
        page.stop()


@pytest.mark.parametrize("path", docs.PAGES, ids=lambda path: path.name)
def test_no_command_hides_in_a_block_that_is_not_run(path):
    for block in docs.blocks(path):
        if block.runs or block.mark("skip") is not None:
            continue
        hidden = [line for line in block.text.splitlines() if re.match(r"\s*(\$ )?(build/bin/)?(martlet|make|curl) ", line)]
        assert not hidden, f"{block}: {hidden[0]!r} would not be run; mark the block as sh, or say why not: <!-- test: skip … -->"


HELP = {}


def help_of(words):
    if words not in HELP:
        done = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, env=environment())
        HELP[words] = (done.stdout + done.stderr) if done.returncode == 0 else None
    return HELP[words]


@pytest.mark.parametrize("path", docs.PAGES, ids=lambda path: path.name)
def test_verbs_and_flags_in_the_text_exist(path):
    for number, command in docs.prose_commands(path):
        words = []
        for word in command.split()[1:]:
            if not re.fullmatch(r"[a-z]+", word) or help_of((*words, word)) is None:
                break
            words.append(word)
        assert words or command.split()[1].startswith("-") or not re.fullmatch(r"[a-z]+", command.split()[1]), \
            f"{path.name}:{number}: `{command}` names no verb"
        text = help_of(tuple(words)) or ""
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]*", command):
            assert flag in text, f"{path.name}:{number}: `{command}`: {flag} is no flag of it"


def test_the_tools_find_what_they_look_for(tmp_path):
    """A mechanism that passes everything would look just as green."""
    page = tmp_path / "page.md"
    page.write_text("<!-- test: exit 3 -->\n```sh\nexit 3\n```\n\nText.\n\n```\n$ echo one two\none …\n$ false\n```\n")
    one, two = docs.blocks(page)
    assert one.mark("exit") == "3" and one.runs and two.runs and two.marks == []
    assert docs.commands(two) == [("echo one two", "one …"), ("false", None)]
    assert docs.shown_is_missing("a …\n…\nc 1.5 s", "a b\nx\nc   22 s") == []
    assert docs.shown_is_missing("b\na", "a\nb") == ["a"]
    assert docs.shown_is_missing("total 12", "total 13") == ["total 12"]
    assert docs.shape_difference({"a": [{"b": 1}]}, {"a": [{"b": 2.5}], "c": 0}) is None
    assert docs.shape_difference({"a": [{"b": 1}]}, {"a": [{"c": 1}]}) == "$.a[0].b is missing"
    assert docs.shape_difference({"a": "x"}, {"a": 1}) is not None
    shell = docs.Shell(tmp_path, PROGRAM)
    assert shell.run("mkdir inner; cd inner").returncode == 0 and shell.here.name == "inner"
    assert shell.run("false\ntrue").returncode == 1
    assert shell.run("cat no-such-file | cat").returncode == 1
    with pytest.raises(AssertionError, match="say why"):
        page.write_text("<!-- test: skip -->\n```sh\nx\n```\n")
        docs.blocks(page)
    with pytest.raises(AssertionError, match="means nothing"):
        page.write_text("<!-- test: ignore it -->\n")
        docs.blocks(page)
