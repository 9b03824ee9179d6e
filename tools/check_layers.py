#!/usr/bin/env python3
"""Holds the sources against the declared module graph.

Usage: tools/check_layers.py [--graph build/modules.json] [--root DIR]

Reads the graph that CMake wrote (martlet_module in cmake/MartletModule.cmake), the plan in tools/layers.toml and the
owners of third-party headers in deps/owners.toml. Fails on: a dependency the plan does not allow, an undeclared include,
a declared but unused dependency, a cycle, another module's internal/, `../`, a third-party header outside its owner or
without the target that provides it, a source that no CMakeLists.txt lists, and a stale exception.
"""
import argparse
import fnmatch
import json
import re
import sys
import tomllib
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEST_FILE = re.compile(r"(_test|_fuzz|_bench)\.cc$|/testing/|/testing\.h$|_testing\.(h|cc)$")
STANDARD = re.compile(r"^[a-z_0-9]+$")
C_HEADERS = {"assert.h", "errno.h", "float.h", "limits.h", "locale.h", "math.h", "stddef.h", "stdint.h", "stdio.h",
             "stdlib.h", "string.h", "time.h", "inttypes.h", "immintrin.h", "nmmintrin.h", "emmintrin.h"}


def includes(path):
    """(line number, is_system, name) of every include in a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == "<", match.group(2)


class Checker:
    def __init__(self, root, graph, plan, owners):
        self.root = root
        self.src = root / "src"
        self.modules = graph["modules"]
        self.may_use = plan.get("may_use", {})
        self.exceptions = [(e["file"], e["include"]) for e in plan.get("exceptions", [])]
        self.exceptions_hit = set()
        self.owners = owners
        self.findings = []

    def report(self, where, message):
        self.findings.append(f"{where}: {message}")

    def tolerated(self, file, include):
        key = (file, include)
        if key in self.exceptions:
            self.exceptions_hit.add(key)
            return True
        return False

    def library_of(self, header):
        """The library with the longest matching pattern."""
        best = None
        for name, entry in self.owners.items():
            for pattern in entry["headers"]:
                if fnmatch.fnmatchcase(header, pattern) and (best is None or len(pattern) > best[0]):
                    best = (len(pattern), name)
        return best[1] if best else None

    def allowed_by_plan(self, module, other):
        plan = self.may_use.get(module, [])
        return other in plan or ("*" in plan and other not in ("server", "cli"))

    def check_declarations(self):
        for name, module in self.modules.items():
            where = f"src/{name}/CMakeLists.txt"
            if name not in self.may_use:
                self.report(where, f"module {name} is not in tools/layers.toml; add it to the plan first")
            for other in module["deps"]:
                if other not in self.modules:
                    self.report(where, f"DEPS names {other}, which is no module")
                elif not self.allowed_by_plan(name, other):
                    self.report(where, f"{name} may not use {other} (tools/layers.toml)")
            for other in module["test_deps"]:
                if other not in self.modules:
                    self.report(where, f"TEST_DEPS names {other}, which is no module")
                if other in module["deps"]:
                    self.report(where, f"TEST_DEPS names {other}, which DEPS already has")
        for folder in sorted(p for p in self.src.iterdir() if p.is_dir()) if self.src.is_dir() else []:
            if folder.name not in self.modules and any(folder.rglob("*.cc")):
                self.report(f"src/{folder.name}", "has sources but no martlet_module declares it")

    def check_cycles(self):
        state = {}

        def visit(name, path):
            if state.get(name) == "done" or name not in self.modules:
                return
            if state.get(name) == "open":
                cycle = path[path.index(name):] + [name]
                self.report(f"src/{name}/CMakeLists.txt", "cycle: " + " -> ".join(cycle))
                return
            state[name] = "open"
            for other in self.modules[name]["deps"]:
                visit(other, path + [name])
            state[name] = "done"

        for name in self.modules:
            visit(name, [])

    def check_module(self, name):
        module = self.modules[name]
        folder = self.src / name
        used, used_in_tests = set(), set()
        targets, targets_in_tests = set(), set()
        listed = {s for kind in ("sources", "tests", "fuzzers", "benches") for s in module[kind]}
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".h", ".cc", ".inc")):
            file = str(path.relative_to(self.root))
            inside = str(path.relative_to(folder))
            is_test = bool(TEST_FILE.search(file))
            if path.suffix == ".cc" and inside not in listed:
                self.report(file, f"is not listed in src/{name}/CMakeLists.txt")
            for line, system, include in includes(path):
                where = f"{file}:{line}"
                if self.tolerated(file, include):
                    continue
                if ".." in include.split("/"):
                    self.report(where, f'"{include}" climbs with ../; write the path from src/')
                elif system:
                    self.check_third_party(where, name, include, is_test, targets, targets_in_tests)
                else:
                    self.check_own(where, name, include, is_test, used, used_in_tests)
        where = f"src/{name}/CMakeLists.txt"
        for other in module["deps"]:
            if other not in used and other in self.modules:
                hint = "; move it to TEST_DEPS" if other in used_in_tests else ""
                self.report(where, f"DEPS names {other}, but no source of {name} includes it{hint}")
        for other in module["test_deps"]:
            if other not in used_in_tests and other not in module["deps"] and other in self.modules:
                self.report(where, f"TEST_DEPS names {other}, but no test of {name} includes it")
        owned_targets = {entry["target"] for entry in self.owners.values() if "target" in entry}
        for use in module["uses"]:
            if use in owned_targets and use not in targets:
                self.report(where, f"USES names {use}, but no source of {name} includes its headers")
        for use in module["test_uses"]:
            if use in owned_targets and use not in targets_in_tests:
                self.report(where, f"TEST_USES names {use}, but no test of {name} includes its headers")

    def check_own(self, where, name, include, is_test, used, used_in_tests):
        module = self.modules[name]
        other = include.split("/")[0]
        library = self.library_of(include)
        if library:
            self.report(where, f'"{include}" belongs to {library}: write it as <{include}>')
            return
        if "/" not in include or not (self.src / include).exists():
            self.report(where, f'"{include}" is not a header under src/; write the path from src/')
            return
        if other == name:
            return
        if "internal" in include.split("/")[1:]:
            self.report(where, f'"{include}" is internal to {other}; use its public headers')
        (used_in_tests if is_test else used).add(other)
        if other in module["deps"] or (is_test and other in module["test_deps"]):
            return
        field = "TEST_DEPS" if is_test else "DEPS"
        if not is_test and other in module["test_deps"]:
            self.report(where, f'"{include}": {name} declares {other} for its tests only')
        elif not is_test and not self.allowed_by_plan(name, other):
            self.report(where, f'"{include}": {name} may not use {other} (DESIGN §2, tools/layers.toml)')
        else:
            self.report(where, f'"{include}": {name} does not declare {other} in {field}')

    def check_third_party(self, where, name, include, is_test, targets, targets_in_tests):
        library = self.library_of(include)
        if library is None:
            if "/" in include and (self.src / include).exists():
                self.report(where, f'<{include}> is ours: write it as "{include}"')
            elif not STANDARD.match(include) and include not in C_HEADERS:
                self.report(where, f"<{include}> is unknown; give it an owner in deps/owners.toml")
            return
        entry = self.owners[library]
        if entry.get("tests"):
            if not is_test:
                self.report(where, f"<{include}>: {library} is for tests only")
            return
        owners = entry["owners"]
        target = entry.get("target")
        module = self.modules[name]
        if target:
            (targets_in_tests if is_test else targets).add(target)
        if is_test and (target is None or target in module["uses"] + module["test_uses"]):
            return
        if "*" not in owners and name not in owners:
            self.report(where, f"<{include}>: {library} belongs to {', '.join(owners)}; go through its headers")
        elif target and target not in module["uses"]:
            self.report(where, f"<{include}>: {name} does not declare {target} in USES")

    def run(self):
        self.check_declarations()
        self.check_cycles()
        for name in self.modules:
            self.check_module(name)
        for file, include in self.exceptions:
            if (file, include) not in self.exceptions_hit:
                self.report("tools/layers.toml", f"stale exception: {file} no longer includes {include}")
        return self.findings


def check(root, graph):
    plan = tomllib.loads((root / "tools/layers.toml").read_text())
    owners = tomllib.loads((root / "deps/owners.toml").read_text())
    return Checker(root, graph, plan, owners).run()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--graph", type=Path)
    options = parser.parse_args()
    path = options.graph or options.root / "build/modules.json"
    if not path.exists():
        sys.exit(f"check_layers: {path} is missing; configure first (cmake --preset release)")
    graph = json.loads(path.read_text())
    findings = check(options.root, graph)
    for finding in findings:
        print(finding)
    print(f"check_layers: {len(graph['modules'])} modules, {len(findings)} findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
