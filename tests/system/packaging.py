#!/usr/bin/env python3
"""The service's files: what they promise stands in them, they are installed where systemd looks, and
systemd finds no fault with them.

usage: packaging.py BUILD_FOLDER
"""
import configparser
import pathlib
import shutil
import subprocess
import sys
import tempfile

# What docs/operations.md says of the service, and what would break it.
EXPECTED = {
    ("Service", "Type"): "notify", ("Service", "Restart"): "always",
    ("Service", "Delegate"): "cpu", ("Service", "KillMode"): "mixed",
    ("Service", "OOMPolicy"): "continue", ("Service", "User"): "ekya",
    ("Service", "RestartPreventExitStatus"): "78", ("Service", "StateDirectory"): "ekya",
    ("Service", "ProtectSystem"): "strict", ("Unit", "StartLimitIntervalSec"): "0",
    ("Install", "WantedBy"): "multi-user.target",
}
# With these the quotas could not be written, or the engines not run.
FORBIDDEN = ("ProtectControlGroups", "PrivateDevices", "MemoryDenyWriteExecute", "PrivateUsers")


def read_unit(path):
    unit = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    unit.optionxform = str
    unit.read_string(path.read_text(encoding="utf-8"))
    return unit


def check_unit(path, bin_folder):
    unit = read_unit(path)
    for (section, key), expected in EXPECTED.items():
        found = unit[section].get(key)
        assert found == expected, f"{path}: {key}: found {found}, expected {expected}"
    for key in FORBIDDEN:
        assert key not in unit["Service"], f"{path}: {key} must not be set"
    service = unit["Service"]
    assert float(service["TimeoutStopSec"]) > 30, "a drain takes up to 30 s"
    assert float(service["WatchdogSec"]) > 0
    assert service["ExecStart"].startswith(f"{bin_folder}/ekya run "), service["ExecStart"]


def verify(path, folder):
    """What systemd itself says; False where it is not installed."""
    if shutil.which("systemd-analyze") is None:
        return False
    # The user and the program need not be here for the file to be right.
    text = path.read_text(encoding="utf-8")
    lines = ["ExecStart=/bin/true" if line.startswith("ExecStart=") else line
             for line in text.splitlines() if not line.startswith(("User=", "Group="))]
    copy = pathlib.Path(folder, "ekya.service")
    copy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], check=False,
                         capture_output=True, text=True, timeout=60)
    complaints = [line for line in (run.stdout + run.stderr).splitlines() if "ekya.service" in line]
    assert not complaints, "\n".join(complaints)
    return True


def install(build, folder):
    subprocess.run(["cmake", "-P", str(build / "packaging" / "cmake_install.cmake")], check=True,
                   capture_output=True, env={"DESTDIR": folder, "PATH": "/usr/bin:/bin"})
    files = {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*")
             if path.is_file()}
    for expected in ("bin/ekya", "lib/systemd/system/ekya.service", "lib/sysusers.d/ekya.conf",
                     "lib/tmpfiles.d/ekya.conf"):
        assert any(name.endswith(expected) for name in files), f"no {expected} in {sorted(files)}"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    unit = build / "packaging" / "ekya.service"
    with tempfile.TemporaryDirectory() as folder:
        install(build, folder)
        program = next(pathlib.Path(folder).rglob("bin/ekya"))
        check_unit(unit, "/" + str(program.parent.relative_to(folder)))
        verified = verify(unit, folder)
        source = pathlib.Path(__file__).resolve().parents[2] / "packaging"
        for name, tool in (("ekya.sysusers", "systemd-sysusers"), ("ekya.tmpfiles", None)):
            lines = [line for line in (source / name).read_text(encoding="utf-8").splitlines()
                     if line and not line.startswith("#")]
            assert lines, f"{name}: says nothing"
            if tool and shutil.which(tool):
                root = pathlib.Path(folder, "root")
                (root / "etc").mkdir(parents=True)
                subprocess.run([tool, f"--root={root}", str(source / name)], check=True,
                               capture_output=True, timeout=60)
                assert "ekya:" in (root / "etc" / "passwd").read_text(encoding="utf-8")
    print("passed" + ("" if verified else "; systemd is not installed, its own check was left out"))


if __name__ == "__main__":
    main()
