"""Serves a WSGI application as PID 1: answers SIGTERM at once, but lets requests under way finish."""

import json
import os
import signal
import time

import bottle
import waitress

from apex import __version__, log

# Probes come many times a minute and say nothing new: they are left out of the request log.
QUIET_PATHS = ("/health", "/ready")


def new_app():
    """A bottle application whose errors are JSON: {"error": "…"}."""
    app = bottle.Bottle()

    def as_json(failure):
        failure.content_type = "application/json"
        if failure.exception:
            log.error("request failed", path=bottle.request.path, reason=repr(failure.exception))
        return json.dumps({"error": failure.body})

    app.default_error_handler = as_json
    return app


def serve(app, service, port, threads=8):
    """Listens on every address of the container until SIGTERM or SIGINT, then ends with exit code 0."""

    def stop(_number, _frame):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # No server name in the answers; asyncore's poll() has no limit of 1024 descriptors, its select() has.
    server = waitress.create_server(
        _logged(app), host="0.0.0.0", port=port, threads=threads, ident=None, asyncore_use_poll=True
    )
    log.start(service)
    log.info("listening", version=__version__, port=port)
    server.run()
    log.info("stopped")
    # Every request is answered by now. Taking the interpreter apart would only prolong the outage of a release.
    os._exit(0)


def _logged(app):
    def handle(environ, start_response):
        began = time.monotonic()
        status = {}

        def start(line, headers, exc_info=None):
            status["code"] = int(line.split(" ", 1)[0])
            return start_response(line, headers, exc_info)

        body = app(environ, start)
        path = environ.get("PATH_INFO", "")
        if path not in QUIET_PATHS:
            log.info(
                "request",
                method=environ.get("REQUEST_METHOD"),
                path=path,
                status=status.get("code"),
                ms=round((time.monotonic() - began) * 1000, 1),
            )
        return body

    return handle
