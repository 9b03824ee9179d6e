#!/usr/bin/env python3
"""Calls and names the house style bans (STYLE §4, §12), each with what to use instead.

Usage: tools/check_banned.py [--root DIR]      Comments and string literals are not looked at.
"""
import argparse
import re
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

# pattern, modules and files where it is allowed, what to use instead
RULES = [
    (r"\bstd::system\s*\(|(?<![\w:.>])::?system\s*\(|\bpopen\s*\(", (), "start programs through platform/process.h"),
    (r"\bsleep_(for|until)\b|\b(u|nano)sleep\s*\(", ("platform",),
     "wait on base/clock.h's Clock or on a condition variable with a deadline"),
    (r"\bstd::s?rand\b|(?<![\w:.>])s?rand\s*\(|\brandom_device\b|\bmt19937", ("platform",),
     "draw from base/random.h's Random, so that a seed replays the run"),
    (r"\bsystem_clock::now\b|(?<![\w:.>])(std::)?time\s*\(\s*(nullptr|NULL|0)\s*\)|\bgettimeofday\b", ("platform",),
     "ask base/clock.h's Clock"),
    (r"\bstd::w?regex\b|#\s*include\s*<regex>", (), "use base/pattern.h (RE2, linear time)"),
    (r"\bstd::cout\b|#\s*include\s*<iostream>", ("cli",), "return values, or log through base/log.h; only cli prints"),
    (r"\b(secure_)?getenv\s*\(", ("cli", "*_test.cc"), "take a setting as an argument; only cli reads the environment"),
    (r"\.detach\s*\(\s*\)", (), "keep the thread and join it in stop()"),
    (r"#\s*include\s*<format>", (), "use <fmt/format.h>; GCC 12 has no <format>"),
    (r"#\s*if\s+0\b", (), "delete it; git remembers"),
]
NEW = re.compile(r"\bnew\s+(?!\()[A-Za-z_:]")
OWNED_NEW = re.compile(r"(unique_ptr|shared_ptr)\s*<[^;{}]*>\s*\w*\s*[({]\s*new\b|\.reset\s*\(\s*new\b")
CATCH_ALL = re.compile(r"\bcatch\s*\(\s*\.\.\.\s*\)")
NOLINT = re.compile(r"NOLINT(NEXTLINE|BEGIN|END)?(?!\w)(\([\w.,* -]+\))?(.*)")
BAD_NAME = re.compile(r"(^|_)(utils?|helpers?|common|misc)(_|\.|$)")
THIRD_PARTY = re.compile(r'^\s*#\s*include\s*<([^>]+)>', re.M)
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def blanked(text):
    """The text with comments and literals turned into spaces; lines keep their numbers, include lines their names."""
    def blank(match):
        found = match.group(0)
        if text[text.rfind("\n", 0, match.start()) + 1:match.start()].lstrip().startswith("#"):
            return found
        # A digit separator (1'000'000) is no character literal.
        if found[0] == "'" and match.start() and text[match.start() - 1].isalnum():
            return found
        return re.sub(r"[^\n]", " ", found)
    return TOKEN.sub(blank, text)


def adaptor(text, owners):
    """A file is an adaptor if it includes a library that may throw into us."""
    patterns = [p for name, entry in owners.items() if name not in ("fmt", "posix", "gtest", "expected")
                for p in entry["headers"]]
    return any(fnmatchcase(header, p) for header in THIRD_PARTY.findall(text) for p in patterns)


def check_file(file, module, text, owners):
    code = blanked(text)
    findings = []

    def at(match):
        return f"{file}:{code.count(chr(10), 0, match.start()) + 1}"

    for pattern, allowed, instead in RULES:
        if module not in allowed and not any(fnmatchcase(str(file), name) for name in allowed):
            for match in re.finditer(pattern, code):
                findings.append(f"{at(match)}: {match.group(0).strip()}: {instead}")
    owned = {m.end() for m in OWNED_NEW.finditer(code)}
    for match in NEW.finditer(code):
        if match.start() + 3 not in owned:
            findings.append(f"{at(match)}: raw new: use std::make_unique, or hand it to a unique_ptr in the same expression")
    if module != "platform" and not adaptor(text, owners):
        for match in CATCH_ALL.finditer(code):
            findings.append(f"{at(match)}: catch (...): only the file that includes a throwing library turns exceptions "
                            "into Error")
    for number, line in enumerate(text.splitlines(), 1):
        match = NOLINT.search(line)
        if match and (not match.group(2) or (match.group(1) != "END" and len(match.group(3).strip(" :-/*")) < 8)):
            findings.append(f"{file}:{number}: NOLINT needs the check's name and a reason: NOLINT(check): why")
        if re.search(r"\bTODO\b(?!\()|\bFIXME\b|\bXXX\b", line):
            findings.append(f"{file}:{number}: unfinished: do it, or write TODO(issue-id)")
    return findings


def check(root):
    owners = tomllib.loads((root / "deps/owners.toml").read_text())
    findings, files = [], 0
    for path in sorted((root / "src").rglob("*")):
        file = path.relative_to(root)
        if BAD_NAME.search(path.name) and path.suffix in ("", ".h", ".cc"):
            findings.append(f"{file}: name it after its noun, not utils, helpers, common or misc")
        if path.suffix not in (".h", ".cc"):
            continue
        files += 1
        findings += check_file(file, file.parts[1], path.read_text(encoding="utf-8"), owners)
    return findings, files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    findings, files = check(parser.parse_args().root)
    for finding in findings:
        print(finding)
    print(f"check_banned: {files} files, {len(findings)} findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
