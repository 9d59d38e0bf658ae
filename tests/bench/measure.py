"""Runs shell pipelines and says what they cost."""

import dataclasses
import os
import resource
import statistics
import subprocess
import time


@dataclasses.dataclass
class Cost:
    wall: float  # seconds
    cpu: float  # user and system, of all processes of the pipeline
    rss: int  # bytes: the largest single process

    def rss_text(self):
        """A child's peak begins at that of the process that forked it: below our own nothing can be told."""
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return f"{'<' if self.rss <= own else ''}{max(self.rss, own) / 1e6:.0f}"


class Failed(Exception):
    pass


def run(pipeline, environment):
    """One run of a pipeline, its output into a `cat` that throws it away."""
    line = f"set -o pipefail; {{ {pipeline}; }} | cat > /dev/null"
    begin = time.perf_counter()
    process = subprocess.Popen(["bash", "-c", line], env=environment, stderr=subprocess.PIPE)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{pipeline}: status {process.returncode}: {message.decode(errors='replace')[-300:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def median(costs):
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.rss for cost in costs),
    )


def side_by_side(pipelines, runs, environment, before="true"):
    """A B A B …, so that what the machine does besides falls on both. One round unmeasured first. `before` runs before
    each, unmeasured too."""
    costs = [[] for _ in pipelines]
    for _ in range(runs + 1):
        for each, pipeline in zip(costs, pipelines):
            run(before, environment)
            each.append(run(pipeline, environment))
    return [median(each[1:]) for each in costs]


def output(pipeline, environment):
    """The lines that a pipeline writes, one after another, without holding them."""
    process = subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {pipeline}"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process.stdout as lines:
        yield from lines
    if process.wait() != 0:
        raise Failed(f"{pipeline}: status {process.returncode}")
