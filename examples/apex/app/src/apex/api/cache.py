"""A short-lived cache of API answers in Redis. The API works, only slower, while Redis is away."""

import json

import redis

from apex import log, queue

PREFIX = "apex:cache:"


class Cache:
    """Answers by key. Every call survives a Redis that is down."""

    def __init__(self, ttl_s=30):
        self._ttl_s = ttl_s

    def get(self, key):
        """The cached value, or None."""
        try:
            text = queue.connection().get(PREFIX + key)
        except redis.RedisError as failure:
            log.warn("cache unavailable", reason=str(failure))
            return None
        return None if text is None else json.loads(text)

    def put(self, key, value):
        """Keeps a value for the cache's lifetime."""
        try:
            queue.connection().set(PREFIX + key, json.dumps(value), ex=self._ttl_s)
        except redis.RedisError as failure:
            log.warn("cache unavailable", reason=str(failure))

    def clear(self):
        """Forgets every cached answer and nothing else (waiting jobs stay); returns how many."""
        keys = list(queue.connection().scan_iter(PREFIX + "*"))
        return queue.connection().delete(*keys) if keys else 0


cache = Cache()
