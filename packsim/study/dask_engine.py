"""Blocks on the workers of a Dask cluster: one of this machine, or any scheduler. The same bits as the local engine.

A worker computes one block at a time: with one thread in a cluster of this machine, in others with its own
(NUMBA_NUM_THREADS). What a killed worker was computing is computed by another one; a block that kills four workers ends the
run. A task is as many blocks as take about a second, because scheduling one and bringing its result home costs
milliseconds of processor time.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from packsim.numerics.kernel_cache import source_hash
from packsim.numerics.threads import alone
from packsim.study.engine import Out, Progress, report_done

if TYPE_CHECKING:
    from distributed import Client

AHEAD = 2  # tasks handed out for each worker: one that it computes, one that waits
TASK_S = 1.0  # of computing in a task, about
MOST_BLOCKS = 64  # in a task
RETRIES = 2  # of a task whose worker raised an OSError of its own, say
KEPT_PAGES = {  # by workers of this machine; their C library looks at it once, as it starts
    # Dask has every 64 KB given back to the system: 4,000 new pages a block, a tenth of its time.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": str(2**28),
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": str(2**25),  # the most it takes
}
NOT_SAMPLED = {"distributed.worker.profile.enabled": False}  # a hundred times a second, for nobody
_one_at_a_time = threading.Lock()


class EngineError(RuntimeError):
    """Dask is not there, or its scheduler does not answer."""


class MixedClusterWarning(RuntimeWarning):
    """A worker has other kernels, or another CPU family: its results may differ in the last bits."""


class DaskEngine:
    """Maps blocks over a Dask cluster."""

    def __init__(self, scheduler: str | None = None, workers: int | None = None) -> None:
        """Choose a cluster; nothing is started yet.

        Args:
            scheduler: address such as tcp://10.0.0.1:8786; None: worker processes of this machine.
            workers: number of those, of one thread each; default: one for each core.
        """
        self.scheduler, self.workers = scheduler, workers

    def __call__(
        self, task: Callable[[int], Out], blocks: int, progress: Progress | None = None, done: Collection[int] = ()
    ) -> Iterator[tuple[int, Out]]:
        """Number and `task(number)` of every block that is not `done`, as they finish.

        Raises:
            EngineError: no Dask, no scheduler, or a block that kills its workers. Whatever `task` raises.
        """
        try:
            from distributed import KilledWorker, as_completed
        except ImportError as error:
            raise EngineError('--engine dask: not installed; allowed: pip install "packsim[cluster]"') from error
        left = [block for block in range(blocks) if block not in done][::-1]
        count, told, each_s = report_done(progress, blocks, done), False, TASK_S
        one_thread = (
            self.scheduler is None
        )  # said with each task: Numba may read its environment before it is a worker's
        with ExitStack() as stack:
            client = self._client(stack)
            shared = client.submit(_same, task)  # not scattered: it is made again where all who hold it are killed
            handed: dict[str, list[int]] = {}  # blocks of each task, by key

            def submit() -> list[Any]:
                """As many tasks as the workers that are there now have room for."""
                room, futures = AHEAD * max(sum(client.nthreads().values()), 1), []
                while left and len(handed) < room:
                    own = [left.pop() for _ in range(_blocks_of_a_task(each_s, len(left), room))]
                    futures.append(client.submit(_work, shared, own, one_thread, pure=False, retries=RETRIES))
                    handed[futures[-1].key] = own
                return futures

            running = as_completed(submit(), loop=client.loop)
            for future in running:
                own = handed.pop(future.key)
                try:
                    build, seconds, outs = future.result()
                except KilledWorker as error:
                    which = f"block {own[0]}" if len(own) == 1 else f"one of blocks {own[0]} to {own[-1]}"
                    raise EngineError(f"--engine dask: {which} has killed its workers (out of memory?)") from error
                if build != source_hash() and not told:
                    told = True
                    warnings.warn(
                        "a worker has other kernels or another CPU family: bits may differ",
                        MixedClusterWarning,
                        stacklevel=2,
                    )
                each_s = seconds / len(own)
                future.release()
                running.update(submit())
                for block, out in zip(own, outs, strict=True):
                    yield block, out
                    count += 1
                    if progress is not None:
                        progress(count, blocks)

    def _client(self, stack: ExitStack) -> Client:
        import dask
        from distributed import Client, LocalCluster

        if self.scheduler is not None:
            try:
                return stack.enter_context(Client(self.scheduler, timeout="10s", set_as_default=False))
            except (OSError, ValueError) as error:
                raise EngineError(f"--scheduler: given {self.scheduler}, which does not answer ({error})") from error
        with dask.config.set({**KEPT_PAGES, **NOT_SAMPLED}):  # nannies, as they are made, read it for all their workers
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=self.workers or os.cpu_count() or 1,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # any free port
                    silence_logs=logging.CRITICAL,
                )
            )
        return stack.enter_context(Client(cluster, set_as_default=False))


def _same(task: Out) -> Out:
    return task


def _blocks_of_a_task(each_s: float, left: int, room: int) -> int:
    """How many blocks of `each_s` seconds make a task, where `left` are left for `room` tasks: fewer towards the end."""
    return max(1, min(int(TASK_S / max(each_s, 1e-9)), MOST_BLOCKS, left // (2 * room)))


def _work(task: Callable[[int], Out], blocks: list[int], one_thread: bool) -> tuple[str, float, list[Out]]:
    """Some blocks on a worker, the build that computed them, and the seconds it took."""
    with _one_at_a_time, alone() if one_thread else nullcontext():
        begun = time.perf_counter()
        outs = [task(block) for block in blocks]
        return source_hash(), time.perf_counter() - begun, outs
