"""JSON over HTTP to the other services of the stack."""

import http.client
import json
import urllib.parse


class RemoteError(Exception):
    """Another service answered with something else than success."""


def call(method, url, document=None, timeout_s=2.0):
    """Sends one request and returns the decoded answer; raises OSError or RemoteError."""
    parsed = urllib.parse.urlsplit(url)
    path = parsed.path + (f"?{parsed.query}" if parsed.query else "")
    body = None if document is None else json.dumps(document).encode()
    connection = http.client.HTTPConnection(parsed.hostname, parsed.port or 80, timeout=timeout_s)
    try:
        connection.request(method, path, body, {"content-type": "application/json"} if body else {})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise RemoteError(f"{method} {url}: {answer.status} {content[:200].decode(errors='replace')}")
    return json.loads(content) if content else None
