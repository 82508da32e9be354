#!/usr/bin/env python3
"""scripts/check_floors sees every kind of include that breaks the house.

usage: floors.py BUILD_FOLDER     (not used)
"""
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_floors"

# (file, its include, part of the message; None where the include is right)
PLANTED = [
    ("core/a.h", '"base/result.h"', None),
    ("decide/window/a.cc", '"decide/schedule/policy.h"', None),
    ("decide/window/a_test.cc", "<thread>", None),
    ("stages/labels/a.cc", '"platform/models/model.h"', None),
    ("core/a_test.cc", "<gtest/gtest.h>", None),
    ("core/a.cc", "<rapidjson/reader.h>", None),
    ("base/a.cc", '"core/frame.h"', "base (floor 0) may not include core (floor 1)"),
    ("core/a.h", '"decide/schedule/policy.h"', "core (floor 1) may not include decide/schedule"),
    ("core/a.h", "<decide/schedule/policy.h>", "core (floor 1) may not include decide/schedule"),
    ("decide/schedule/a.cc", '"decide/window/ports.h"', "may not include decide/window"),
    ("decide/window/a.h", '"stages/camera/source.h"', "may not include stages/camera"),
    ("decide/window/a.h", '"platform/models/model.h"', "may not include platform/models"),
    ("decide/schedule/a.cc", "<fstream>", "knows no file"),
    ("decide/profile/a.cc", "<chrono>", "wall clock"),
    ("stages/labels/a.cc", '"stages/camera/source.h"', "may not include stages/camera"),
    ("stages/camera/a.cc", '"platform/models/model.h"', "may not include platform/models"),
    ("run/simulator/a.cc", '"stages/camera/source.h"', "may not include stages/camera"),
    ("apps/cli/a.cc", '"run/workers/workers.h"', "may not include run/workers"),
    ("apps/cli/a.cc", '"core/internal/table.h"', "internal to core"),
    ("stages/camera/a.cc", "<torch/torch.h>", "stays in platform/models"),
    ("stages/camera/a.cc", "<opencv2/dnn.hpp>", "stays in platform/models"),
    ("run/workers/a.cc", "<libavcodec/avcodec.h>", "stays in stages/camera"),
    ("run/workers/a.cc", "<sqlite3.h>", "stays in platform/registry"),
    ("apps/report/a.cc", "<rapidjson/writer.h>", "stays in core"),
    ("apps/report/a.cc", "<CLI/CLI.hpp>", "stays in apps/cli"),
    ("core/a.cc", "<gtest/gtest.h>", "belongs into tests"),
    ("core/a.cc", '"core/absent.h"', "is no file below src/"),
    ("helpers/misc/a.cc", '"core/frame.h"', "helpers/misc is no module"),
    ("core/a.cc", '"stages/stolen/a.h"', "stages/stolen is no module"),
]
TARGETS = ["base/result.h", "core/frame.h", "core/internal/table.h", "decide/schedule/policy.h",
           "decide/window/ports.h", "platform/models/model.h", "stages/camera/source.h",
           "run/workers/workers.h", "stages/stolen/a.h"]


def check(file, include):
    """Runs the check over a house of its own that holds `file` with `include`."""
    with tempfile.TemporaryDirectory() as root:
        # A module that no table knows would be found by itself.
        for target in TARGETS[:-1]:
            path = pathlib.Path(root, "src", target)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#pragma once\n", encoding="utf-8")
        path = pathlib.Path(root, "src", file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// A file.\n#include {include}\n", encoding="utf-8")
        return subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True,
                              check=False)


def main():
    for file, include, message in PLANTED:
        run = check(file, include)
        if message is None:
            assert run.returncode == 0, f"{file}: {include}: {run.stdout}"
        else:
            assert run.returncode == 1, f"{file}: {include}: not caught"
            assert message in run.stdout and f"src/{file}:" in run.stdout, run.stdout
            assert run.stdout.count("\n") == 1, run.stdout
    run = subprocess.run([sys.executable, CHECK, "/nonexistent"], capture_output=True, text=True,
                         check=False)
    assert run.returncode == 1 and "no sources" in run.stderr, run
    print(f"{len(PLANTED)} includes judged")


if __name__ == "__main__":
    main()
