#!/usr/bin/env python3
"""`ekya profile`: traces of a drawn scene, of a classifier and of a detector, that `ekya simulate` replays;
interrupted and gone on; exit statuses.

usage: profile.py BUILD_FOLDER
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

EKYA = pathlib.Path(sys.argv[1]).resolve() / "ekya"
SITE = """
compute: {window: 8s}
model: {width: 0.02, input_size: 16}
learning:
  precision: float32
  bootstrap_epochs: 1
  retraining:
    - {id: head, epochs: 1, trained_stages: 1}
    - {id: all, epochs: 2}
cameras:
  crossing: {url: "scene:intersection", frames_per_second: 1}
"""

BOXES = """
compute: {window: 8s}
model: {width: 0.1, input_size: 96}
learning:
  bootstrap_epochs: 30
  bootstrap_learning_rate: 0.05
  exemplars_per_class: 4
  retraining:
    - {id: tail, epochs: 1, trained_stages: 1, batch_size: 4}
    - {id: all, epochs: 3, batch_size: 4}
defaults: {task: detection, classes: [person, car]}
cameras:
  crossing: {url: "scene:intersection", frames_per_second: 4}
"""


def profile(folder, *arguments, status=0):
    done = subprocess.run([EKYA, "profile", *map(str, arguments)], cwd=folder, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def accuracies(trace):
    """What does not depend on how fast the core was."""
    return [(window["accuracy"], [(each["id"], each["accuracy"], each.get("later"))
                                  for each in window["retraining"]])
            for stream in trace["streams"] for window in stream["windows"]]


def check_whole(trace, configurations):
    windows = trace["streams"][0]["windows"]
    for window in windows:
        assert [each["id"] for each in window["retraining"]] == configurations, window
        for each in window["retraining"]:
            assert 0 <= each["accuracy"] <= 1 and 0 <= each["estimate"]["accuracy"] <= 1, each
            assert each["device_seconds"] > 0 and each["estimate"]["device_seconds"] > 0, each
            assert each["curve"], each
    later = [len(window["retraining"][0].get("later", [])) for window in windows]
    assert later == list(range(len(windows)))[::-1] and len(windows) == 3, later


def simulate(folder, trace):
    done = subprocess.run([EKYA, "simulate", "--trace", trace, "--scheduler", "thief,none", "--devices",
                           "1", "--window", "1", "--out", "out"], cwd=folder, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "site.yaml").write_text(SITE)
        arguments = ["site.yaml", "--windows", 4, "--samples", 40]
        profile(folder, *arguments, "--out", "whole.json")
        whole = json.loads((folder / "whole.json").read_text())
        assert whole["format"] == "ekya-trace/1", whole["format"]
        check_whole(whole, ["head", "all"])
        simulate(folder, "whole.json")

        # Interrupted once something is kept, then gone on with: the same accuracies.
        cut = subprocess.Popen([EKYA, "profile", *map(str, arguments), "--out", "cut.json"],
                               cwd=folder, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 120
        while cut.poll() is None and not list((folder / "cut.json.parts").rglob("window-1.json")):
            assert time.monotonic() < end, "nothing was kept in two minutes"
            time.sleep(0.005)
        cut.send_signal(signal.SIGINT)
        message = cut.communicate(timeout=120)[1]
        if cut.returncode != 0:  # it was quicker
            assert cut.returncode == 130, (cut.returncode, message)
            assert "goes on from" in message, message
            assert not (folder / "cut.json").exists()
        profile(folder, *arguments, "--out", "cut.json")
        assert accuracies(json.loads((folder / "cut.json").read_text())) == accuracies(whole)

        missing = profile(folder, "none.yaml", "--out", "x.json", status=78)
        assert "none.yaml" in missing.stderr, missing.stderr
        # A detector: F1 by the scene's own truth, on whole pictures.
        (folder / "boxes.yaml").write_text(BOXES)
        profile(folder, "boxes.yaml", "--windows", 4, "--samples", 24, "--out", "boxes.json")
        boxes = json.loads((folder / "boxes.json").read_text())
        check_whole(boxes, ["tail", "all"])
        windows = boxes["streams"][0]["windows"]
        assert max(each["accuracy"] for window in windows for each in window["retraining"]) > 0, boxes
        for window in windows:
            assert window["objects"] > 0, window
            assert abs(sum(window["class_mix"]) - 1) < 1e-6, window
        assert {each["id"] for each in boxes["streams"][0]["inference"]} >= {"every-1", "every-4"}
        simulate(folder, "boxes.json")
        # No labels, and no golden model that would make some.
        (folder / "empty.yaml").write_text(BOXES.replace("scene:intersection", "file:none.mp4")
                                           .replace("defaults: {", "defaults: {learn: false, "))
        empty = profile(folder, "empty.yaml", "--out", "x.json", status=78)
        assert "crossing" in empty.stderr and "none.mp4" in empty.stderr, empty.stderr
        profile(folder, "site.yaml", status=2)  # no --out
    print("ok")


if __name__ == "__main__":
    main()
