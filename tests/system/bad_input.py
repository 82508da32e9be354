#!/usr/bin/env python3
"""What `ekya run` does when a camera, a file, the disk or the user fails it: it says which and why, and
the other streams go on.

usage: bad_input.py BUILD_FOLDER     (EKYA_STALL_SECONDS: how long the network camera is silent)
"""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
STALL_SECONDS = float(os.environ.get("EKYA_STALL_SECONDS", "5"))
SKIPPED = 77
# A drawn camera that works, beside the one that does not.
SITE = """compute: {{devices: [cpu:0], window: 2s}}
learning: {{bootstrap_epochs: 1, profiling_epochs: 1, retraining: [{{id: short, epochs: 1}}]}}
model: {{width: 0.0625, input_size: 16}}
defaults: {{classes: [car, person], stall: 2s, frames_per_second: 5}}
cameras:
  drawn: {{url: "scene:intersection"}}
  other: {other}
"""


class Run:
    """`ekya run` in a folder of its own, begun at once."""

    def __init__(self, program, site, seconds=5, prefix=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ekya-bad-input-"))
        data = site if isinstance(site, bytes) else site.encode()
        (self.folder / "site.yaml").write_bytes(data)
        self.process = subprocess.Popen(
            [*prefix, program, "run", "site.yaml", "--scheduler", "uniform:config=short,share=0.5",
             "--for", f"{seconds}s"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self, status, *says):
        """Waits for the end; all that it printed, which must contain `says`."""
        try:
            text, _ = self.process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert self.process.returncode == status, \
            f"exit {self.process.returncode}, expected {status}: {text}"
        for words in says:
            assert words in text, f"no {words!r} in: {text}"
        for words in ("terminate called", "Sanitizer", "runtime error"):
            assert words not in text, text
        return text

    def served(self, stream, least, most=10**9):
        """That the stream showed at least so many frames, and at most so many."""
        rows = json.loads((self.folder / "out/run.json").read_text(encoding="utf-8"))["streams"]
        frames = next(row["frames"] for row in rows if row["id"] == stream)
        assert least <= frames <= most, f"{stream}: {frames} frames"

    def wait_for(self, path):
        """Until the run has made a file: it serves."""
        for _ in range(900):
            if (self.folder / path).exists():
                return
            assert self.process.poll() is None, self.process.communicate()[0]
            time.sleep(0.1)
        raise AssertionError(f"{path} does not come")


def clip(path, seconds):
    codec = ["-c:v", "mpeg4"] if path.suffix == ".mp4" else []
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                    f"testsrc=size=96x64:rate=20:duration={seconds}", *codec, str(path)], check=True)
    return path


def test_missing_video(program):
    run = Run(program, SITE.format(other="{url: absent.mp4, learn: false}"))
    run.end(0, "[other] starts without its camera: camera other: ", "absent.mp4: there is no such video")
    run.served("drawn", 11)
    run.served("other", 0, 0)
    run = Run(program, "cameras: {only: {url: absent.mp4, classes: [car], learn: false}}")
    run.end(1, "absent.mp4", "none of the site's cameras could be opened")


def test_truncated_video(program):
    with tempfile.TemporaryDirectory() as folder:
        path = clip(pathlib.Path(folder, "half.avi"), 10)
        os.truncate(path, path.stat().st_size // 2)
        run = Run(program, SITE.format(other=f"{{url: {path}, learn: false}}"), 7)
        run.end(0, "[other] camera is gone", "half.avi: is truncated or damaged: ends after", "of 200 frames")
        run.served("drawn", 21)
        run.served("other", 5, 20)


def test_configuration(program):
    whole = SITE.format(other='{url: "scene:intersection"}')
    Run(program, "").end(78, "site.yaml: is empty")
    Run(program, whole[:-9]).end(78, "site.yaml:7: not YAML: ")
    Run(program, whole + "    clases: [a]\n").end(78, "site.yaml:")
    Run(program, whole.replace("window:", "windw:")).end(
        78, 'site.yaml:1: compute: unknown key "windw", the nearest known one is "window"')
    Run(program, whole.replace("2s}\nlearn", "two}\nlearn")).end(78, "site.yaml:1: compute.window: ", '"two"')
    Run(program, whole.replace("cpu:0", "cpu:4096")).end(78, 'compute.devices: found "cpu:4096"')


def test_silent_camera(program):
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(["/usr/bin/python3", str(TESTS / "rtsp_server.py"),
                                   str(clip(pathlib.Path(folder, "clip.mp4"), 120)), "0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = server.stdout.readline().strip()
            if not port:
                return "GStreamer's RTSP server for Python is not installed"
            url = f"rtsp://ann:pa55@127.0.0.1:{port}/clip"
            run = Run(program, SITE.format(other=f'{{url: "{url}", learn: false}}'),
                      3 * STALL_SECONDS + 8)
            run.wait_for("out/events/other.jsonl")
            time.sleep(3)
            server.send_signal(signal.SIGSTOP)
            time.sleep(STALL_SECONDS)
            server.send_signal(signal.SIGCONT)
            text = run.end(0, "[other] camera is gone: camera other: rtsp://***@127.0.0.1",
                           "no frame for 2 s", "[other] camera is back")
            assert "pa55" not in text
            run.served("drawn", 10 * STALL_SECONDS)
            run.served("other", 6)
        finally:
            server.kill()
            server.wait()
    return None


def test_no_label_and_one_class(program):
    with tempfile.TemporaryDirectory() as folder:
        picture = clip(pathlib.Path(folder, "0.jpg"), 0.05)
        for label, says in (("", "no labelled sample"), ("car", "class")):
            manifest = pathlib.Path(folder, f"{label or 'none'}.csv")
            rows = [f"2015-07-03T08:{minute:02},1,{label},{picture.name}" for minute in range(10)]
            manifest.write_text("\n".join(["time,slot,label,file", *rows, ""]), encoding="utf-8")
            run = Run(program, SITE.format(other=f'{{url: "folder:{manifest}", speed: 60}}'))
            run.end(0, "[other] ", says)
            run.served("drawn", 11)
            run.served("other", 11)


def test_full_disk(program):
    # A file system of its own, seen by this run alone, with room for the site and little more.
    full = ["unshare", "-m", "sh", "-c", 'mkdir out && mount -t tmpfs -o size=24k none out && exec "$@"',
            "sh"]
    probe = subprocess.run([*full[:3], "-c", "mount -t tmpfs none /mnt"], check=False, capture_output=True)
    if probe.returncode != 0:
        return "no right to mount a small file system"
    run = Run(program, SITE.format(other='{url: "scene:intersection", seed: 2}'), prefix=full)
    # It serves to the end; then what could not be written is an error.
    run.end(1, "No space left on device", "out/")
    return None


def test_interruption(program):
    for number in (signal.SIGINT, signal.SIGTERM):
        run = Run(program, SITE.format(other='{url: "scene:intersection", seed: 2}'), 600)
        run.wait_for("out/events/drawn.jsonl")
        time.sleep(2)
        run.process.send_signal(number)
        run.end(130, "report: out/report.html")
        assert (run.folder / "out/report.html").stat().st_size > 1000
        assert json.loads((run.folder / "out/summary.json").read_text(encoding="utf-8"))["rows"]


def main():
    build = pathlib.Path(sys.argv[1])
    if not (build / "ekya-live").exists():
        print("needs the full build")
        sys.exit(SKIPPED)
    os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="ekya-bad-input-")
    tempfile.tempdir = None
    program = str((build / "ekya").resolve())
    tests = (test_missing_video, test_truncated_video, test_configuration, test_silent_camera,
             test_no_label_and_one_class, test_full_disk, test_interruption)
    failed = False
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for test, ended in [(test, pool.submit(test, program)) for test in tests]:
                try:
                    print(f"{test.__name__}: {ended.result() or 'passed'}", flush=True)
                except (AssertionError, OSError, subprocess.SubprocessError) as error:
                    print(f"{test.__name__}: FAILED: {error}", flush=True)
                    failed = True
    finally:
        subprocess.run(["rm", "-rf", os.environ["TMPDIR"]], check=False)
    sys.exit(failed)


if __name__ == "__main__":
    main()
