#!/usr/bin/env python3
"""The paper's worked example through `ekya schedule`, twice in sequence, and its report.

usage: worked_example.py BUILD_FOLDER

Prints mean accuracies over both windows: uniform shares 0.5517 (the paper says 55 to 56 %), the planner
0.7609 with the floor kept, which is the optimum. Window 2 starts where window 1 ends.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

EKYA = pathlib.Path(sys.argv[1]) / "ekya"


def run(*arguments, status=0):
    done = subprocess.run([EKYA, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def sequence(folder, scheduler, suffix=""):
    """Both windows' schedules, the second from the first one's outcome."""
    schedules, after = [], []
    for window in (1, 2):
        out = folder / f"{window}.json"
        run("schedule", "--in", folder / f"window-{window}{suffix}.json", "--scheduler", scheduler,
            *after, "--out", out)
        schedules.append(json.loads(out.read_text()))
        after = ["--after", out]
    return schedules


def mean(schedules):
    return sum(schedule["mean_accuracy"] for schedule in schedules) / len(schedules)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run("experiment", "worked-example", "--out", folder)
        planner = sequence(folder, "planner")
        uniform = sequence(folder, "uniform:config=config-1", "-pooled")
        print(f"uniform {mean(uniform):.4f}, planner {mean(planner):.4f}")
        assert 0.55 <= mean(uniform) <= 0.56, mean(uniform)
        assert abs(mean(planner) - 0.7609) < 1e-4, mean(planner)
        assert all(schedule["floor_feasible"] for schedule in planner)
        assert all(schedule["gap"] < 1e-6 for schedule in planner), "the optimum is proved"
        assert {e["stream"]: e["accuracy"] for e in planner[0]["outcome"]} == {"A": 0.7, "B": 0.85}
        # One stream at a time on the third GPU: B then A, then A then B.
        order = [[job["stream"] for segment in schedule["timeline"] for job in segment["jobs"]
                  if job.get("retraining_quanta", 0) > 0] for schedule in planner]
        assert order == [["B", "A"], ["A", "B"]], order

        figures = json.loads((folder / "summary.json").read_text())["figures"]
        assert abs(figures["planner_accuracy"] - mean(planner)) < 1e-9, figures
        assert abs(figures["uniform_accuracy"] - mean(uniform)) < 1e-9, figures
        page = (folder / "report.html").read_text()
        for text in ("planner: who computes where", "uniform:config=config-1, GPUs pooled: who"):
            assert text in page, text

        # What is no schedule, or one of other streams, is an error that names the file.
        bad = run("schedule", "--in", folder / "window-2.json", "--after", folder / "window-1.json",
                  status=1)
        assert "window-1.json" in bad.stderr and "ekya-schedule/1" in bad.stderr, bad.stderr
        other = json.loads((folder / "1.json").read_text())
        other["outcome"] = other["outcome"][:1]
        (folder / "other.json").write_text(json.dumps(other))
        bad = run("schedule", "--in", folder / "window-2.json", "--after", folder / "other.json",
                  status=1)
        assert "other.json" in bad.stderr and "no stream B" in bad.stderr, bad.stderr


if __name__ == "__main__":
    main()
