"""A stand-in for sbatch of SLURM: does the job at once, here, and begins a task that was killed again.

The first task of an array is killed in any case.

Called with the file to log to before the arguments of sbatch.
"""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def write_down(what):
    with LOG.open("a") as file:
        file.write(f"job {JOB}: {what}\n")


def start(task, output):
    with output.open("ab") as printed:
        return subprocess.Popen(
            ["bash", SCRIPT],
            cwd=ASKED["chdir"],
            env={**os.environ, "SLURM_ARRAY_TASK_ID": str(task)},
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


def do(task, requeues=False):
    output = Path(ASKED["output"].replace("%a", str(task)))
    process = start(task, output)
    if requeues:
        while "update " not in output.read_text() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    while process.wait() < 0:
        write_down(f"task {task} killed and requeued")
        process = start(task, output)


def tasks_in(array):
    for part in array.split(","):
        low, _, high = part.partition("-")
        yield from range(int(low), int(high or low) + 1)


if __name__ == "__main__":
    LOG, SCRIPT = Path(sys.argv[1]), sys.argv[-1]
    options = " ".join(sys.argv[2:-1])
    text = Path(SCRIPT).read_text()
    if "--partition=nowhere" in text:
        sys.exit("sbatch: error: invalid partition specified: nowhere")
    ASKED = dict(re.findall(r"^#SBATCH '?--([a-z-]+)=([^'\n]*)'?$", text, re.MULTILINE))
    before = LOG.read_text().splitlines() if LOG.exists() else []
    JOB = len({line.partition(":")[0] for line in before}) + 1
    if "array" in ASKED:
        array, _, at_once = ASKED["array"].partition("%")
        tasks = list(tasks_in(array))
        write_down(f"{options}: tasks {' '.join(map(str, tasks))}, {at_once} at once")
        with ThreadPoolExecutor(int(at_once)) as threads:
            list(threads.map(do, tasks, [task == tasks[0] for task in tasks]))
    else:
        write_down(options)
        do("")
    print(f"{JOB};cluster")
