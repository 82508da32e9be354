#!/usr/bin/env python3
"""Exit statuses and messages of `ekya`, as scripts and people meet them.

usage: cli.py BUILD_FOLDER
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SITUATION = {
    "format": "ekya-situation/1", "window_seconds": 120, "devices": 1, "quanta_per_device": 10,
    "accuracy_floor": 0.0,
    "streams": [{"id": "lobby", "accuracy": 0.5,
                 "inference": [{"id": "all", "share": 0.5, "factor": 1.0}],
                 "retraining": [{"id": "short", "accuracy": 0.9, "device_seconds": 10}]}]}
SITE = """cameras:
  lobby:
    url: "scene:intersection"
    seed: 3
"""


class Cli:
    """Runs the program in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def write(self, name, content):
        data = content if isinstance(content, bytes) else content.encode()
        pathlib.Path(self.folder, name).write_bytes(data)
        return name

    def run(self, *arguments, status=0, says="", stdin="", env=None, program=None):
        """Runs `ekya arguments`; both streams together must contain `says`."""
        run = subprocess.run([program or self.program, *arguments], cwd=self.folder, input=stdin,
                             capture_output=True, text=True, check=False, timeout=60,
                             env=dict(os.environ, **(env or {})))
        words = "ekya " + " ".join(arguments)
        assert run.returncode == status, \
            f"{words}: exit {run.returncode}, expected {status}: {run.stdout}{run.stderr}"
        assert says in run.stdout + run.stderr, f"{words}: {run.stdout}{run.stderr}, no {says!r}"
        if status != 0:
            assert run.stdout == "" or "Usage" in run.stdout, f"{words}: {run.stdout}"
        return run


def test_usage(cli):
    cli.run("--help", says="schedule")
    cli.run("--version", says="ekya 0.")
    cli.run("version", says="ekya 0.")
    cli.run(status=2, says="subcommand is required")
    cli.run("shedule", status=2, says="unknown command shedule, the nearest is schedule")
    cli.run("--nonsense", status=2, says="subcommand is required")
    cli.run("schedule", status=2, says="--in is required")
    cli.run("schedule", "--in", "x", "--nonsense", status=2, says="--nonsense")
    cli.run("config", status=2, says="subcommand is required")
    cli.run("config", "check", status=2, says="site is required")


def test_report(cli):
    cli.run("report", status=2, says="folders is required")
    cli.run("report", "nowhere", status=1, says="nowhere: cannot read the folder")
    pathlib.Path(cli.folder, "runs/a").mkdir(parents=True)
    cli.run("report", "runs", status=1, says="runs: found no run.json")
    run = {"format": "ekya-run/1", "scheduler": "none", "seed": 1, "devices": 1,
           "device_cores": 1, "quanta_per_device": 20, "window_seconds": 30,
           "device_seconds": {"inference": 5, "retraining": 0, "profiling": 0, "labelling": 0},
           "figures": {}, "warnings": [], "swaps": [], "windows": [],
           "streams": [{"id": "lobby", "accuracy_source": "truth", "classes": ["car", "person"],
                        "mean_accuracy": 0.75, "frames": 10, "frames_skipped": 1,
                        "intervals": []}]}
    cli.write("runs/a/run.json", json.dumps(run)[:-9])
    cli.run("report", "runs", status=1, says="runs/a/run.json")
    cli.write("runs/a/run.json", json.dumps(run))
    pathlib.Path(cli.folder, "runs/b").mkdir()
    cli.write("runs/b/run.json", json.dumps(dict(run, scheduler="thief")))
    out = cli.run("report", "runs", "--out", "made/here", "--title", "Two runs").stdout
    assert "thief" in out and "75.0 %" in out and "Accuracy by truth" in out, out
    page = pathlib.Path(cli.folder, "made/here/report.html").read_text(encoding="utf-8")
    assert "<h1>Two runs</h1>" in page
    text = cli.run("report", "runs/a", "runs/b", "--json").stdout
    summary = json.loads(text)
    assert summary["rows"][1]["mean_accuracy"] == 0.75, summary
    assert summary["figures"] == {"thief_minus_none_points": 0}, summary
    assert pathlib.Path(cli.folder, "runs/a/summary.json").read_text(encoding="utf-8") == text


def test_schedule(cli):
    cli.write("situation.json", json.dumps(SITUATION))
    table = cli.run("schedule", "--in", "situation.json", "--scheduler", "exact").stdout
    assert "lobby" in table and "mean accuracy" in table, table
    out = cli.run("schedule", "--in", "situation.json", "--json", "--out", "a/schedule.json").stdout
    schedule = json.loads(out)
    assert schedule["format"] == "ekya-schedule/1" and schedule["scheduler"] == "planner", schedule
    assert schedule["solve_microseconds"] >= 0
    assert schedule["timeline"][-1]["to_seconds"] == 120
    assert pathlib.Path(cli.folder, "a/schedule.json").read_text(encoding="utf-8") == out
    cli.run("schedule", "--in", "-", stdin=json.dumps(SITUATION), says="lobby")
    cli.run("schedule", "--in", "-", stdin="", status=1, says="standard input: is empty")
    cli.run("schedule", "--in", "situation.json", "--scheduler", "theif", status=2, says="theif")
    cli.run("schedule", "--in", "situation.json", "--scheduler", "uniform:shares=1", status=2,
            says="shares")
    cli.run("schedule", "--in", "absent.json", status=1, says="absent.json: cannot open")
    cli.run("schedule", "--in", ".", status=1, says=".: ")
    cli.write("half.json", json.dumps(SITUATION, indent=1)[:200])
    cli.run("schedule", "--in", "half.json", status=1, says="half.json:")
    wrong = dict(SITUATION, devices="two")
    cli.write("wrong.json", json.dumps(wrong))
    cli.run("schedule", "--in", "wrong.json", status=1,
            says='wrong.json:1: devices: found "two", expected a whole number from 1 to 1000')
    cli.write("garbage.json", bytes(range(256)))
    cli.run("schedule", "--in", "garbage.json", status=1, says="expected UTF-8 text")
    cli.run("schedule", "--in", "situation.json", "--out", "situation.json/x", status=1,
            says="situation.json")
    with open("/dev/full", "wb") as full:
        run = subprocess.run([cli.program, "schedule", "--in", "situation.json"], cwd=cli.folder,
                             stdout=full, stderr=subprocess.PIPE, check=False)
    assert run.returncode == 1 and b"cannot write the output" in run.stderr, run


def test_config(cli):
    cli.write("site.yaml", SITE)
    cli.run("config", "check", "site.yaml", says="lobby")
    cli.run("config", "check", "-", stdin=SITE, says="lobby")
    schema = json.loads(cli.run("config", "schema").stdout)
    assert schema["$schema"].endswith("2020-12/schema") and "cameras" in schema["properties"]

    def bad(text, says, **environment):
        cli.write("bad.yaml", text)
        cli.run("config", "check", "bad.yaml", status=78, says=says, env=environment)

    cli.run("config", "check", "absent.yaml", status=78, says="absent.yaml: cannot open")
    bad("", "bad.yaml: is empty")
    bad("cameras:\n  lobby: {url: 'scene:in", "bad.yaml:2: not YAML: ")
    bad(bytes(range(256)), "expected UTF-8 text")
    bad("cameras: {}\n", "bad.yaml:1: cameras: found no camera, expected at least one")
    bad(SITE + "    clases: [a]\n", 'bad.yaml:5: cameras.lobby: unknown key "clases", the nearest '
        'known one is "classes"')
    bad(SITE + "    classes: person\n",
        'bad.yaml:5: cameras.lobby.classes: found "person", expected a list of strings')
    bad(SITE + "compute: {scheduler: theif}\n", "bad.yaml: compute.scheduler: ")
    bad(SITE + "    select: '{EKYA_TEST_UNSET}'\n", "{EKYA_TEST_UNSET}")
    # What is set is used, and never shown.
    cli.write("secret.yaml", "golden: {model: golden.onnx}\ncameras:\n  gate:\n    classes: [car]\n"
              "    url: 'rtsp://ann:{EKYA_TEST_PASS}@host/s1'\n")
    run = cli.run("config", "check", "secret.yaml", env={"EKYA_TEST_PASS": "hush"},
                  says="rtsp://***@host/s1")
    assert "hush" not in run.stdout + run.stderr
    assert "golden.model: golden.onnx does not exist" in run.stderr, run.stderr


def test_labels(cli):
    cli.run("labels", "export", "lobby", status=2, says="--format is required")
    cli.run("labels", "export", "lobby", "--format", "voc", status=2, says="voc")
    cli.run("labels", "export", "lobby", "--format", "coco", status=1,
            says="stream lobby: out/streams/lobby/labels: found no labels of any window")
    stream = pathlib.Path(cli.folder, "data", "streams", "lobby")
    (stream / "frames" / "7").mkdir(parents=True)
    (stream / "labels").mkdir()
    (stream / "frames" / "7" / "3.jpg").write_bytes(b"any bytes: pictures are copied, not read")
    line = {"window": 7, "frame_index": 3, "time_seconds": 0.3, "width": 64, "height": 48,
            "source": "golden", "uniform": True,
            "objects": [{"class": "car", "box": [8, 8, 16, 16], "score": 0.5}],
            "image": "frames/7/3.jpg"}
    gone = dict(line, frame_index=4, image="frames/7/4.jpg")
    # The last line's writer was killed.
    text = json.dumps(line) + "\n" + json.dumps(gone) + "\n" + json.dumps(line)[:40]
    (stream / "labels" / "7.jsonl").write_text(text)
    (stream / "labels" / "8.jsonl").write_text("{}\n")
    run = cli.run("labels", "export", "lobby", "--format", "coco", "--data-dir", "data")
    assert run.stdout == "lobby-coco: 1 frames with 1 objects\n", run.stdout
    assert "8.jsonl:1: window" in run.stderr and "1 labelled frames are left out" in run.stderr
    labels = json.loads(pathlib.Path(cli.folder, "lobby-coco", "labels.json").read_text())
    assert labels["annotations"][0]["bbox"] == [8, 8, 16, 16], labels
    assert pathlib.Path(cli.folder, "lobby-coco", "images", "7-3.jpg").exists()
    cli.run("labels", "export", "lobby", "--format", "coco", "--data-dir", "data", status=1,
            says="lobby-coco: found something, expected an empty folder")
    cli.run("labels", "export", "lobby", "--format", "yolo", "--data-dir", "data", "--out", "y")
    assert pathlib.Path(cli.folder, "y", "labels", "7-3.txt").read_text() == \
        "0 0.250000 0.333333 0.250000 0.333333\n"


def test_live(cli):
    """The commands that need the full build reach the program beside this one, or say so."""
    alone = pathlib.Path(cli.folder, "bin/ekya")
    alone.parent.mkdir()
    shutil.copy(cli.program, alone)
    for command in ("run", "demo"):
        cli.run(command, "--help", status=1, says="needs the full build", program=str(alone))
    beside = alone.parent / "ekya-live"
    beside.write_text('#!/bin/sh\necho "$OMP_NUM_THREADS $OMP_WAIT_POLICY: $*"\nexit 130\n',
                      encoding="utf-8")
    cli.run("run", "site.yaml", program=str(alone), status=1, says="cannot start")
    beside.chmod(0o755)
    run = subprocess.run([str(alone), "run", "a b.yaml", "--for", "10s", "--json"],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 130 and run.stdout == "1 passive: run a b.yaml --for 10s --json\n", run


def main():
    program = str((pathlib.Path(sys.argv[1]) / "ekya").resolve())
    for test in (test_usage, test_report, test_schedule, test_config, test_labels, test_live):
        with tempfile.TemporaryDirectory() as folder:
            test(Cli(program, folder))
            print(f"{test.__name__}: passed")


if __name__ == "__main__":
    main()
