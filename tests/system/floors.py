#!/usr/bin/env python3
"""scripts/check_floors sees every kind of include that breaks the house.

usage: floors.py BUILD_FOLDER     (not used)
"""
import importlib.machinery
import importlib.util
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


def load_check():
    """The check as a module: a process for each include would take a minute on a busy machine."""
    loader = importlib.machinery.SourceFileLoader("check_floors", str(CHECK))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run_on(root):
    return subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True,
                          check=False)


def plant(root, file, content):
    path = pathlib.Path(root, "src", file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def main():
    check = load_check()
    assert not list(check.check_table())
    for file, include, message in PLANTED:
        with tempfile.TemporaryDirectory() as root:
            for target in TARGETS:
                plant(root, target, "#pragma once\n")
            planted = plant(root, file, f"// A file.\n#include {include}\n")
            faults = list(check.check_file(pathlib.Path(root), planted))
        if message is None:
            assert not faults, f"{file}: {include}: {faults}"
        else:
            assert len(faults) == 1 and message in faults[0], f"{file}: {include}: {faults}"
            assert faults[0].startswith(f"src/{file}:"), faults

    with tempfile.TemporaryDirectory() as root:
        plant(root, "base/a.h", "#pragma once\n")
        run = run_on(root)
        assert run.returncode == 0 and "1 files in 1 modules" in run.stdout, run
        plant(root, "core/a.h", '#include "decide/window/ports.h"\n')
        run = run_on(root)
        assert run.returncode == 1 and run.stdout.startswith("src/core/a.h:1: "), run
    run = run_on("/nonexistent")
    assert run.returncode == 1 and "no sources" in run.stderr, run
    print(f"{len(PLANTED)} includes judged")


if __name__ == "__main__":
    main()
