#!/usr/bin/env python3
"""A few of the kills of scripts/chaos. usage: chaos.py BUILD_FOLDER

How long a return takes is scripts/chaos's matter on a quiet machine; here the limit only ends a hang.
"""
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
sys.exit(subprocess.call([sys.executable, str(root / "scripts" / "chaos"), "--short", "--limit", "60",
                          "--program", str(pathlib.Path(sys.argv[1]) / "ekya")]))
