"""Jobs in several processes."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from threadpoolctl import threadpool_limits

from kser.errors import UserError
from kser.representations.analysing.context import Context
from kser.representations.analysing.jobs import Job, Outcome

# Of a worker process: what its jobs read.
_shared: list[Context] = []


def outcomes(context: Context, jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Outcome]]:
    """The outcomes of jobs as they come; the same ones for any number of workers.

    Args:
        context: what they read.
        jobs: in the order in which they are begun.
        workers: processes; with 1 it is this one.

    Raises:
        UserError: a process was ended from outside.
    """
    if workers == 1:
        # As in worker processes: sums over other numbers of threads would differ in their last digits.
        with threadpool_limits(1):
            yield from ((job, job.outcome(context)) for job in jobs)
        return
    # Forked processes would inherit threads of BLAS in the middle of something.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (context,))
    try:
        waiting = {pool.submit(_work, job): job for job in jobs}
        for future in as_completed(waiting):
            yield waiting.pop(future), future.result()
    except BrokenProcessPool:
        raise UserError(
            f"a worker process was ended, by the system if memory was short; --workers {workers - 1} takes "
            "less; the same command goes on"
        ) from None
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C ends it now, not after the last job
        raise
    pool.shutdown()


def usual_workers() -> int:
    """As many processes as this one may use processors."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(context: Context) -> None:
    # Ctrl-C reaches all processes of a terminal: these end without a word, the first one has it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threadpool_limits(1)
    _shared.append(context)


def _work(job: Job) -> Outcome:
    return job.outcome(_shared[0])
