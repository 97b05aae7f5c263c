"""Tocsin: the worker of production, on its batch transport under Faust.

Settings: those of `tocsin triage --lane normal` (processors/app.py); positions from the ledger, as there.
"""

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.peers.job import GATHER_SECONDS, INPUT, SESSION_SECONDS, Job
from tocsin.runtime.health import Health
from tocsin.runtime.ledger.settling import positions
from tocsin.runtime.transport.application import WorkerSettings
from tocsin.runtime.transport.pauses import Bookkeeping
from tocsin.runtime.transport.worker import run_worker


def run(job: Job) -> None:
    """Until it is killed."""
    with tempfile.TemporaryDirectory() as folder:
        worker = WorkerSettings(
            group=job.group,
            instance=job.group,
            topics=(INPUT,),
            data_folder=Path(folder),
            gather_seconds=GATHER_SECONDS,
            session_seconds=SESSION_SECONDS,
        )
        books = Bookkeeping(positions=partial(positions, job.database, job.ids))
        run_worker(job.kafka, worker, job.stages, books, Health())
