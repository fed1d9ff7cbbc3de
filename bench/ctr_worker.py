"""One job in this process: `python -m schuss.bench.ctr_worker '{"task": "...", ...}'`.

Prints one line of JSON: what the task found, the seconds of the whole process and its peak memory.
"""

from __future__ import annotations

import time

STARTED = time.perf_counter()  # the interpreter's own start, some 20 ms, is left out


def main() -> None:
    """Runs the job of the command line."""
    import json
    import os
    import resource
    import sys

    job = json.loads(sys.argv[1])
    if job.get("threads") == 1:  # one CPU too, for all: some peers have a second thread that they do not count
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    from .ctr_peers import task_of

    found = task_of(job["task"])(job)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**found, "seconds": time.perf_counter() - STARTED, "peak MB": peak}))


if __name__ == "__main__":
    main()
