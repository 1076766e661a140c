"""The job queue in Redis. A job is moved, never popped: one that a killed worker held is found again."""

import functools

import redis

from apex import settings

WAITING = "apex:jobs:waiting"
RUNNING = "apex:jobs:running"


@functools.lru_cache(maxsize=None)
def connection():
    """The Redis connection pool of this process."""
    return redis.Redis(
        host=settings.optional("APEX_CACHE_HOST", "cache"),
        port=int(settings.optional("APEX_CACHE_PORT", "6379")),
        socket_connect_timeout=2,
        socket_timeout=5,
        decode_responses=True,
    )


def push(job_id):
    """Puts a job at the end of the queue."""
    connection().lpush(WAITING, job_id)


def reserve(timeout_s):
    """The next job, or None when none came in time. It stays reserved until done() is told of it."""
    return connection().blmove(WAITING, RUNNING, timeout_s, "RIGHT", "LEFT")


def done(job_id):
    """Lets go of a reserved job."""
    connection().lrem(RUNNING, 1, job_id)


def give_back():
    """Puts jobs that an earlier worker left reserved at the head of the queue; returns how many."""
    count = 0
    while connection().lmove(RUNNING, WAITING, "LEFT", "RIGHT"):
        count += 1
    return count
