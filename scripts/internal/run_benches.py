"""Builds and runs the benchmark programs of a preset and prints times and ratios; see scripts/bench.

Each benchmark counts by its processor time; where that is next to nothing (a benchmark that waits),
by its wall time. With two builds, the programs run in turns, so that a machine that slows down slows
both, and the smallest of the repetitions counts: noise only adds.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def build(source, folder, preset):
    """Configures `source` with its own `preset` into `folder` and builds the target `benches`."""
    subprocess.run(["cmake", "--preset", preset, "-B", folder], cwd=source, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "benches", "-j", str(os.cpu_count())],
                   check=True, stdout=sys.stderr)


def module_of(program):
    return program.name.removeprefix("ekya_").removesuffix("_bench")


def programs(folder, only):
    wanted = only.replace("/", "_")
    return [p for p in sorted(folder.glob("ekya_*_bench")) if wanted in module_of(p)]


def run(program):
    """The times in nanoseconds by benchmark name, and the benchmarks' own counters."""
    output = subprocess.run([program, "--benchmark_format=json", "--benchmark_min_time=0.2"],
                            stdout=subprocess.PIPE, text=True, check=True,
                            env=dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive"))
    times, counters = {}, {}
    standard = {"iterations", "real_time", "cpu_time", "repetitions", "repetition_index", "threads",
                "family_index", "per_family_instance_index"}
    for result in json.loads(output.stdout)["benchmarks"]:
        name = f"{module_of(program)} {result['name']}"
        if result.get("error_occurred"):
            print(f"{name}: {result.get('error_message')}", file=sys.stderr)
            continue
        if "cpu_time" not in result:
            continue  # a complexity row
        unit = NANOSECONDS[result["time_unit"]]
        cpu, real = result["cpu_time"] * unit, result["real_time"] * unit
        times[name] = cpu if cpu > 0.1 * real else real
        counters[name] = {key: value for key, value in result.items()
                          if key not in standard and isinstance(value, (int, float))}
    return times, counters


def smallest(into, times):
    for name, value in times.items():
        into[name] = min(value, into.get(name, value))


def time_text(nanoseconds):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("module", nargs="?", default="", help="a part of the module's path")
    parser.add_argument("--preset", default="release", help=argparse.SUPPRESS)
    parser.add_argument("--save", action="store_true", help="keep the times to compare with later")
    parser.add_argument("--against", metavar="COMMIT", help="build that commit too and compare")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each program (default: 3)")
    options = parser.parse_args()

    folder = ROOT / "build" / options.preset
    build(ROOT, folder, options.preset)
    new_programs = programs(folder, options.module)
    if not new_programs:
        print(f"scripts/bench: no benchmark program matches \"{options.module}\" in {folder}",
              file=sys.stderr)
        return 1

    saved = ROOT / "build" / "bench" / f"{options.preset}.json"
    old, old_programs = {}, {}
    if options.against:
        tree = ROOT / "build" / "bench" / "tree"
        if tree.exists():
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
        subprocess.run(["git", "worktree", "add", "--detach", tree, options.against], cwd=ROOT,
                       check=True, stdout=subprocess.DEVNULL)
        try:
            old_folder = ROOT / "build" / "bench" / "build"
            build(tree, old_folder, options.preset)
            old_programs = {p.name: p for p in programs(old_folder, options.module)}
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)
    elif saved.exists():
        old = json.loads(saved.read_text())

    new, counters = {}, {}
    for program in new_programs:
        for _ in range(options.repeat):
            if program.name in old_programs:
                smallest(old, run(old_programs[program.name])[0])
            times, values = run(program)
            smallest(new, times)
            counters.update(values)

    width = max(len(name) for name in new) if new else 0
    print(f"{'benchmark':<{width}}  {'time':>9}" + (f"  {'before':>9}  ratio" if old else ""))
    for name, value in new.items():
        line = f"{name:<{width}}  {time_text(value):>9}"
        if old:
            before = old.get(name)
            line += (f"  {time_text(before):>9}  {value / before:5.2f}" if before
                     else f"  {'-':>9}      -")
        extra = "  ".join(f"{key}={number:.4g}" for key, number in counters[name].items())
        print(f"{line}  {extra}".rstrip())
    if options.save:
        saved.parent.mkdir(parents=True, exist_ok=True)
        kept = json.loads(saved.read_text()) if saved.exists() else {}
        saved.write_text(json.dumps({**kept, **new}, indent=1) + "\n")
        print(f"kept in {saved}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
