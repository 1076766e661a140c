"""A small S3 client: the four calls that Apex needs, signed with AWS Signature Version 4.

An SDK would take longer to import than everything else in the process together.
"""

import hashlib
import hmac
import http.client
import time
import urllib.parse

from apex import settings


class ObjectStoreError(Exception):
    """The object store refused a call: its status and the first bytes of what it said."""


class ObjectStore:
    """One bucket on one S3-compatible server, addressed by path."""

    def __init__(self, endpoint, access_key, secret_key, bucket, region="us-east-1", timeout_s=2.0):
        parsed = urllib.parse.urlsplit(endpoint)
        self._host = parsed.hostname
        self._port = parsed.port or 80
        self._access_key = access_key
        self._secret_key = secret_key
        self._bucket = bucket
        self._region = region
        self._timeout_s = timeout_s

    def check(self):
        """Raises unless the server answers and knows our key. A bucket that is not there yet is fine."""
        self._call("HEAD", "", accept=(200, 404))

    def ensure_bucket(self):
        """Makes the bucket unless it is there."""
        if self._call("HEAD", "", accept=(200, 404))[0] == 404:
            self._call("PUT", "", accept=(200, 409))

    def put(self, key, body, content_type="application/json"):
        """Stores bytes under a key."""
        self._call("PUT", "/" + key, body, {"content-type": content_type}, accept=(200,))

    def get(self, key):
        """The bytes under a key, or None when there are none."""
        status, body = self._call("GET", "/" + key, accept=(200, 404))
        return body if status == 200 else None

    def _call(self, method, path, body=b"", headers=None, accept=(200,)):
        target = urllib.parse.quote(f"/{self._bucket}{path}")
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, target, body or None, self._signed(method, target, body, headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status not in accept:
            raise ObjectStoreError(f"{method} {target}: {answer.status} {content[:200].decode(errors='replace')}")
        return answer.status, content

    def _signed(self, method, target, body, headers):
        now = time.gmtime()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", now)
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        digest = hashlib.sha256(body).hexdigest()
        signed = {
            **headers,
            "host": f"{self._host}:{self._port}",
            "x-amz-content-sha256": digest,
            "x-amz-date": stamp,
        }
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = f"{method}\n{target}\n\n{lines}\n{names}\n{digest}"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{self._secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"{self._access_key}/{scope}"
        authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": authorization}


def from_settings():
    """The store that the environment names."""
    return ObjectStore(
        settings.optional("APEX_OBJECT_URL", "http://object:9000"),
        settings.required("APEX_OBJECT_ACCESS_KEY"),
        settings.required("APEX_OBJECT_SECRET_KEY"),
        settings.optional("APEX_OBJECT_BUCKET", "apex-artefacts"),
    )
