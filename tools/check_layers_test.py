#!/usr/bin/env python3
"""Small bad trees, each with the finding check_layers must make of it."""
import json
import tempfile
import unittest
from pathlib import Path

import check_layers

PLAN = """
[may_use]
base = []
columns = ["base"]
table = ["base", "columns"]
cli = ["*", "server"]
server = ["*"]
"""
OWNERS = """
[fmt]
headers = ["fmt/*"]
owners = ["*"]
[duckdb]
headers = ["duckdb.h"]
owners = ["table"]
target = "deps::duckdb"
[gtest]
headers = ["gtest/*"]
tests = true
"""


def module(deps=(), uses=(), test_deps=(), test_uses=(), sources=(), tests=()):
    return {"deps": list(deps), "uses": list(uses), "test_deps": list(test_deps), "test_uses": list(test_uses),
            "sources": list(sources), "tests": list(tests), "fuzzers": [], "benches": []}


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.write("tools/layers.toml", PLAN)
        self.write("deps/owners.toml", OWNERS)
        self.write("src/base/result.h", "#pragma once\n#include <string>\n")
        self.write("src/columns/batch.h", '#include "base/result.h"\n')
        self.modules = {"base": module(), "columns": module(deps=["base"])}

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def findings(self):
        return check_layers.check(self.root, json.loads(json.dumps({"modules": self.modules})))

    def assert_finding(self, part):
        found = self.findings()
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def test_a_good_tree_has_no_findings(self):
        self.assertEqual(self.findings(), [])

    def test_an_undeclared_include_is_named_with_its_line(self):
        self.write("src/table/engine.h", '#include "base/result.h"\n#include "columns/batch.h"\n')
        self.modules["table"] = module(deps=["base"])
        self.assert_finding('src/table/engine.h:2: "columns/batch.h": table does not declare columns')

    def test_a_dependency_against_the_plan_is_refused(self):
        self.write("src/table/engine.h", "")
        self.write("src/columns/cell.h", '#include "table/engine.h"\n')
        self.modules["table"] = module()
        self.modules["columns"]["deps"].append("table")
        self.assert_finding("columns may not use table")

    def test_an_unused_dependency_is_refused(self):
        self.write("src/table/engine.h", '#include "base/result.h"\n')
        self.modules["table"] = module(deps=["base", "columns"])
        self.assert_finding("DEPS names columns, but no source of table includes it")

    def test_a_dependency_of_tests_only_belongs_into_test_deps(self):
        self.write("src/table/engine.h", '#include "base/result.h"\n')
        self.write("src/table/engine_test.cc", '#include "columns/batch.h"\n#include <gtest/gtest.h>\n')
        self.modules["table"] = module(deps=["base", "columns"], tests=["engine_test.cc"])
        self.assert_finding("move it to TEST_DEPS")
        self.modules["table"] = module(deps=["base"], test_deps=["columns"], tests=["engine_test.cc"])
        self.assertEqual(self.findings(), [])

    def test_a_cycle_is_shown(self):
        self.write("tools/layers.toml", '[may_use]\nbase = ["columns"]\ncolumns = ["base"]\n')
        self.write("src/base/id.h", '#include "columns/batch.h"\n')
        self.modules["base"] = module(deps=["columns"])
        self.assert_finding("cycle: base -> columns -> base")

    def test_foreign_internal_headers_are_refused(self):
        self.write("src/base/internal/hash.h", "")
        self.write("src/columns/cell.h", '#include "base/internal/hash.h"\n')
        self.assert_finding("is internal to base")

    def test_climbing_includes_are_refused(self):
        self.write("src/columns/cell.h", '#include "../base/result.h"\n')
        self.assert_finding("climbs with ../")

    def test_a_third_party_header_outside_its_owner_is_refused(self):
        self.write("src/columns/cell.h", "#include <duckdb.h>\n")
        self.assert_finding("duckdb belongs to table")

    def test_an_owner_must_declare_the_target(self):
        self.write("src/table/engine.h", "#include <duckdb.h>\n")
        self.modules["table"] = module()
        self.assert_finding("table does not declare deps::duckdb in USES")

    def test_an_unused_target_is_refused(self):
        self.write("src/table/engine.h", "#include <fmt/format.h>\n")
        self.modules["table"] = module(uses=["deps::duckdb"])
        self.assert_finding("USES names deps::duckdb")

    def test_an_unknown_library_is_refused(self):
        self.write("src/columns/cell.h", "#include <leftpad/pad.hpp>\n")
        self.assert_finding("give it an owner")

    def test_test_libraries_stay_in_tests(self):
        self.write("src/columns/cell.h", "#include <gtest/gtest.h>\n")
        self.assert_finding("gtest is for tests only")

    def test_a_source_that_is_not_listed_is_refused(self):
        self.write("src/columns/cell.cc", '#include "columns/batch.h"\n')
        self.assert_finding("src/columns/cell.cc: is not listed")

    def test_a_missing_header_is_refused(self):
        self.write("src/columns/cell.h", '#include "base/gone.h"\n#include "batch.h"\n')
        self.assertEqual(len(self.findings()), 2)

    def test_an_exception_is_honoured_and_a_stale_one_is_refused(self):
        entry = '\n[[exceptions]]\nfile = "src/columns/cell.h"\ninclude = "duckdb.h"\nreason = "test"\n'
        self.write("tools/layers.toml", PLAN + entry)
        self.write("src/columns/cell.h", "#include <duckdb.h>\n")
        self.assertEqual(self.findings(), [])
        self.write("src/columns/cell.h", "")
        self.assert_finding("stale exception")

    def test_sources_without_a_declaration_are_refused(self):
        self.write("src/table/engine.cc", "")
        self.assert_finding("no martlet_module declares it")


if __name__ == "__main__":
    unittest.main()
