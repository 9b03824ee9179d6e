#!/usr/bin/env python3
"""What check_banned must find, and what it must leave alone."""
import unittest

import check_banned

OWNERS = {"duckdb": {"headers": ["duckdb.h"]}, "fmt": {"headers": ["fmt/*"]}}


def found(text, module="table"):
    return check_banned.check_file("f.cc", module, text, OWNERS)


class CheckBanned(unittest.TestCase):
    def test_each_banned_call_is_found_on_its_line(self):
        for call in ("std::system(c);", "std::this_thread::sleep_for(t);", "std::rand();", "std::mt19937 g;",
                     "std::chrono::system_clock::now();", "auto p = new Thing(1);", "std::regex r;", "std::cout << 1;",
                     "getenv(\"HOME\");", "try { } catch (...) { }", "thread.detach();", "time(nullptr);"):
            findings = found("\n" + call)
            self.assertEqual(len(findings), 1, (call, findings))
            self.assertTrue(findings[0].startswith("f.cc:2:"), findings)

    def test_comments_and_literals_are_left_alone(self):
        self.assertEqual(found('// std::rand() and new Thing\nauto s = "std::cout << new Thing"; /* getenv( */\n'), [])
        self.assertEqual(found('auto s = R"(std::regex)"; auto n = 1\'000; auto m = 2\'000;\n'), [])

    def test_a_new_that_is_owned_at_once_is_allowed(self):
        self.assertEqual(found("return std::unique_ptr<Engine>(new Engine(a));"), [])
        self.assertEqual(found("auto* p = new (memory) Thing;"), [])

    def test_owners_may(self):
        self.assertEqual(found("std::cout << 1; getenv(x);", "cli"), [])
        self.assertEqual(found("std::this_thread::sleep_for(t); system_clock::now();", "platform"), [])
        self.assertEqual(found("#include <duckdb.h>\ntry {} catch (...) {}"), [])
        self.assertEqual(len(found("#include <fmt/format.h>\ntry {} catch (...) {}")), 1)

    def test_methods_of_the_same_name_are_no_calls(self):
        self.assertEqual(found("clock.time(0); row.system(); lifetime(nullptr);"), [])

    def test_nolint_needs_a_check_and_a_reason(self):
        self.assertEqual(len(found("int x;  // NOLINT")), 1)
        self.assertEqual(len(found("int x;  // NOLINT(bugprone-x)")), 1)
        self.assertEqual(found("int x;  // NOLINT(bugprone-x): the C API wants it so"), [])


if __name__ == "__main__":
    unittest.main()
