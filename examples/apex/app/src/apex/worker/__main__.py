import os
import pathlib
import signal
import time

import redis
import sqlalchemy as sa

from apex import __version__, database, log, objects, queue, settings
from apex.worker import calculate


class Stop(Exception):
    """SIGTERM came while no job was in hand."""


class Worker:
    """Takes one job at a time. SIGTERM ends it at once when idle, else after the job in hand."""

    def __init__(self):
        self._busy = False
        self._stopping = False
        # The health check looks at the age of this file: a worker that hangs stops touching it.
        self._heartbeat = pathlib.Path(settings.optional("APEX_HEARTBEAT", "/tmp/heartbeat"))
        self._store = objects.from_settings()

    def run(self):
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        log.info("starting", version=__version__, pid=os.getpid())
        try:
            self._prepare()
            while not self._stopping:
                self._turn()
        except Stop:
            pass
        log.info("stopped")
        # Nothing is in hand any more: no need to take the interpreter apart first.
        os._exit(0)

    def _on_signal(self, _number, _frame):
        self._stopping = True
        if not self._busy:
            raise Stop

    def _prepare(self):
        """Waits until everything the worker needs answers."""
        waiting_for = log.Repeated(every_s=5)
        while True:
            try:
                self._store.ensure_bucket()
                with database.engine().connect() as connection:
                    connection.execute(sa.select(database.jobs.c.id).limit(1))
                given_back = queue.give_back()
                break
            except (OSError, redis.RedisError, sa.exc.SQLAlchemyError, objects.ObjectStoreError) as failure:
                waiting_for.warn("waiting", log.first_line(failure))
                time.sleep(0.5)
        log.info("taking jobs", given_back=given_back)

    def _turn(self):
        self._heartbeat.touch()
        try:
            job_id = queue.reserve(timeout_s=2)
        except redis.RedisError as failure:
            log.warn("queue unavailable", reason=log.first_line(failure))
            time.sleep(0.5)
            return
        if job_id is None:
            return
        self._busy = True
        began = time.monotonic()
        try:
            state = calculate.run(job_id, self._store)
            queue.done(job_id)
            log.info("job", job=job_id, state=state or "gone", ms=round((time.monotonic() - began) * 1000, 1))
        except Exception as failure:  # noqa: BLE001 - the job goes back and the worker lives on
            log.error("job put back", job=job_id, reason=log.first_line(failure))
            time.sleep(0.5)
            self._give_back()
        finally:
            self._busy = False

    def _give_back(self):
        try:
            queue.give_back()
        except redis.RedisError as failure:
            log.warn("queue unavailable", reason=log.first_line(failure))


log.start("worker")
Worker().run()
