"""One JSON object a line on standard output: what `docker compose logs` shows."""

import json
import sys
import time

_service = "apex"


def start(service):
    """Names the service that the lines of this process belong to."""
    global _service
    _service = service


def info(message, **fields):
    _write("info", message, fields)


def warn(message, **fields):
    _write("warn", message, fields)


def error(message, **fields):
    _write("error", message, fields)


def _write(level, message, fields):
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    line = {"time": stamp, "level": level, "service": _service, "message": message, **fields}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def first_line(failure):
    """What an exception says, cut to one readable line."""
    text = str(failure).strip() or type(failure).__name__
    return text.splitlines()[0][:300]


class Repeated:
    """Logs something that is found again and again: a new reason at once, the same one only now and then."""

    def __init__(self, every_s):
        self._every_s = every_s
        self._reason = None
        self._at = 0.0

    def warn(self, message, reason):
        self._log(warn, message, reason)

    def error(self, message, reason):
        self._log(error, message, reason)

    def _log(self, write, message, reason):
        now = time.monotonic()
        if reason != self._reason or now - self._at > self._every_s:
            self._reason, self._at = reason, now
            write(message, reason=reason)
