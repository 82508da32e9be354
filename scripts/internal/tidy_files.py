#!/usr/bin/env python3
"""Prints the sources of a build that clang-tidy can read: those that LibTorch's headers do not reach.

usage: tidy_files.py BUILD_FOLDER
"""
import functools
import json
import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include ([<"])([^>"]+)', re.MULTILINE)
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src"


@functools.cache
def reaches_torch(path):
    """Whether the file, or one of ours that it includes, includes LibTorch."""
    for kind, header in INCLUDE.findall(path.read_text(encoding="utf-8")):
        if header.startswith(("torch/", "ATen/", "c10/")):
            return True
        inner = SOURCES / header
        if kind == '"' and inner.is_file() and reaches_torch(inner):
            return True
    return False


def main():
    commands = json.loads(pathlib.Path(sys.argv[1], "compile_commands.json").read_text())
    for file in sorted({pathlib.Path(entry["file"]) for entry in commands}):
        if file.suffix == ".cc" and not reaches_torch(file):
            print(file)


if __name__ == "__main__":
    main()
