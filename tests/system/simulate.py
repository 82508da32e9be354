#!/usr/bin/env python3
"""`ekya trace import` and `ekya simulate`: same seed same bytes, interrupted and gone on, exit statuses.

usage: simulate.py BUILD_FOLDER
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

EKYA = pathlib.Path(sys.argv[1]) / "ekya"
HEADER = ("stream,window,configuration,epochs,accuracy_before,accuracy_after,gpu_seconds,"
          "estimated_accuracy_after,estimated_gpu_seconds,profiling_seconds\n")


def run(*arguments, status=0):
    done = subprocess.run([EKYA, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def write_tables(folder):
    rows = HEADER
    for s in range(6):
        for w in range(1, 4):
            for c in range(6):
                before = 0.55 + 0.03 * s
                after = min(0.98, before + 0.06 * c - 0.05 * ((s + w + c) % 3))
                seconds = 6 + 9 * c + s
                rows += (f"s{s},{w},{c},15,{before:.4f},{after:.4f},{seconds},"
                         f"{min(1, after + 0.02):.4f},{seconds * 1.2:.3f},4\n")
    (folder / "retraining.csv").write_text(rows)
    (folder / "inference.csv").write_text("subsampling,c1,c2\n1,1,1\n2,0.8,0.75\n4,0.6,0.62\n")


def files(folder):
    return {name: (folder / name).read_bytes() for name in ("report.html", "rows.csv", "summary.json")}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_tables(folder)
        trace = folder / "trace.json"
        run("trace", "import", "--retraining", folder / "retraining.csv", "--inference",
            folder / "inference.csv", "--out", trace)
        sweep = ["simulate", "--trace", trace, "--scheduler",
                 "thief,exact,planner,uniform:config=2/15,share=0.5,none,oracle:exact", "--devices",
                 "1,2,3", "--streams", "3,6", "--seeds", "2", "--windows", "6", "--noise", "0.1"]

        run(*sweep, "--out", folder / "a")
        run(*sweep, "--threads", "1", "--out", folder / "b")
        assert files(folder / "a") == files(folder / "b"), "the same seeds gave other bytes"
        rows = json.loads((folder / "a" / "summary.json").read_text())["rows"]
        assert len(rows) == 6 * 3 * 2 * 2, len(rows)

        # Interrupted somewhere in the middle, then gone on with.
        process = subprocess.Popen([EKYA, *map(str, sweep), "--out", folder / "c"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journal = folder / "c" / "rows.journal"
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if journal.exists() and journal.stat().st_size > 0:
                break
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        run(*sweep, "--out", folder / "c")
        assert files(folder / "a") == files(folder / "c"), "an interrupted sweep gave other bytes"

        mean = {}
        for row in rows:
            mean.setdefault(row["scheduler"], []).append(row["mean_accuracy"])
        mean = {scheduler: sum(values) / len(values) for scheduler, values in mean.items()}
        assert mean["planner"] > mean["none"], mean
        assert mean["oracle:exact"] >= mean["exact"] - 0.002, mean

        assert json.loads(run(*sweep, "--json").stdout)["format"] == "ekya-summary/1"
        bad = run("simulate", "--trace", trace, "--scheduler", "clairvoyant", status=2)
        assert "clairvoyant" in bad.stderr and "thief" in bad.stderr, bad.stderr
        run("simulate", "--trace", trace, "--devices", "0", status=2)
        missing = run("simulate", "--trace", folder / "none.json", status=1)
        assert "none.json" in missing.stderr, missing.stderr
        (folder / "half.json").write_text(trace.read_text()[:500])
        half = run("simulate", "--trace", folder / "half.json", status=1)
        assert "half.json" in half.stderr, half.stderr


main()
