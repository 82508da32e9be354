"""Runs the tests of a build folder through ctest and counts what really ran.

ctest sees one test per program; this counts the cases inside the GoogleTest programs from the XML
that they write, and each other test (tests/system) as one. A program that failed without a failed
case (a crash, a sanitizer's report, a time-out) is one failure more. The last line is
"N passed, N failed, N skipped".

Usage: run_tests.py BUILD_FOLDER [--jobs N] [-- CTEST_ARGUMENT...]
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = []   # (name, reason)
        self.skipped = []  # (name, reason)


def last_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def count_cases(path, program, count):
    """Adds the cases of one GoogleTest XML file; returns how many of them failed."""
    failed_before = len(count.failed)
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{program}: {case.get('classname')}.{case.get('name')}"
        failure = case.find("failure")
        if failure is not None:
            count.failed.append((name, " ".join((failure.get("message") or "").split())[:300]))
        elif case.get("status") == "notrun":
            pass  # disabled or filtered out: it is not part of this run
        elif case.get("result") == "skipped":
            skip = case.find("skipped")
            reason = "" if skip is None else last_line(skip.get("message"))
            count.skipped.append((name, reason))
        else:
            count.passed += 1
    return len(count.failed) - failed_before


def main():
    arguments, ctest_arguments = sys.argv[1:], []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, ctest_arguments = arguments[:split], arguments[split + 1:]
    parser = argparse.ArgumentParser(description="Runs a build folder's tests and counts them.")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    tests = pathlib.Path(__file__).resolve().parents[2] / "tests"
    os.environ.setdefault("TSAN_OPTIONS", f"suppressions={tests / 'tsan.supp'}")
    os.environ.setdefault("LSAN_OPTIONS", f"suppressions={tests / 'lsan.supp'}")

    build = options.build.resolve()
    results = build / "test-results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    junit = results / "ctest.junit"

    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"],
                             capture_output=True, text=True, check=True)
    programs = {}
    for test in json.loads(listing.stdout)["tests"]:
        command = test.get("command") or [""]
        programs[test["name"]] = pathlib.Path(command[0]).name

    environment = dict(os.environ, GTEST_OUTPUT=f"xml:{results}/")
    status = subprocess.run(
        ["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error",
         "--parallel", str(options.jobs), "--output-junit", junit, *ctest_arguments],
        env=environment).returncode
    if not junit.exists():
        print("run_tests: ctest wrote no results, see above", file=sys.stderr)
        return 1

    count = Count()
    for test in ElementTree.parse(junit).getroot().iter("testcase"):
        name = test.get("name")
        state = test.get("status")
        xml = results / f"{programs.get(name, '')}.xml"
        output = test.findtext("system-out")
        if state == "disabled":
            continue
        if programs.get(name) and xml.exists():
            failed = count_cases(xml, name, count)
            if state == "fail" and failed == 0:
                count.failed.append((name, "the program failed after its cases: " +
                                     last_line(output)[:300]))
        elif state == "run":
            count.passed += 1
        elif state == "notrun" and "SKIP" in ElementTree.tostring(test, "unicode"):
            count.skipped.append((name, last_line(output)))
        else:
            count.failed.append((name, last_line(output)[:300] or "did not run"))

    for name, reason in count.skipped:
        print(f"skipped {name}: {reason}")
    for name, reason in count.failed:
        print(f"FAILED {name}: {reason}")
    print(f"{count.passed} passed, {len(count.failed)} failed, {len(count.skipped)} skipped")
    return 1 if count.failed or (status != 0) else 0


if __name__ == "__main__":
    sys.exit(main())
