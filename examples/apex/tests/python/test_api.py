"""The API's behaviour where nothing behind it answers."""

import datetime
import importlib.util
import io
import json
import types
import unittest

from apex import __version__
from apex.api import app, jobs, readiness


def call(method, path, document=None):
    """One request through WSGI: (status, decoded answer)."""
    body = json.dumps(document).encode() if document is not None else b""
    seen = {}
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "test",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
    }
    answer = b"".join(app.app(environ, lambda status, headers, exc_info=None: seen.update(status=status)))
    return int(seen["status"].split()[0]), json.loads(answer)


class Api(unittest.TestCase):
    def test_it_is_alive_though_nothing_behind_it_answers(self):
        self.assertEqual(call("GET", "/health"), (200, {"status": "ok"}))

    def test_it_is_not_ready_and_says_why_for_each_service(self):
        def broken():
            raise OSError("no route\nto nowhere")

        ready, checks = readiness.check_all({"database": broken, "cache": lambda: None})
        self.assertEqual((ready, checks), (False, {"database": "no route", "cache": "ok"}))

    def test_an_unknown_path_is_a_json_404(self):
        status, answer = call("GET", "/nowhere")
        self.assertEqual(status, 404)
        self.assertIn("error", answer)

    def test_bad_projects_are_refused_before_the_database_is_asked(self):
        for document in (None, [], {}, {"name": "  "}, {"name": 3}):
            self.assertEqual(call("POST", "/api/v1/projects", document)[0], 400, document)
        for speed in (0, -1, 121, "fast", None, float("nan")):
            status, answer = call("POST", "/api/v1/projects", {"name": "x", "wind_speed_ms": speed})
            self.assertEqual(status, 400, speed)
            self.assertIn("wind_speed_ms", answer["error"])

    def test_a_job_without_numbers_is_refused(self):
        for sign in (None, {}, {"width_m": "3", "height_m": 1, "clearance_m": 1}):
            self.assertEqual(call("POST", "/api/v1/jobs", {"project_id": 1, "sign": sign})[0], 400, sign)

    def test_the_revision_it_needs_is_in_the_image(self):
        self.assertRegex(readiness.known_revision(), r"^\d{4}$")
        self.assertIn(readiness.known_revision(), readiness.known_revisions())

    def test_the_formula_of_a_job_is_told_wherever_the_release_that_did_it_has_put_it(self):
        if __version__ == "0.1.0":
            self.skipTest("in the result, as it came")
        now = datetime.datetime.now(datetime.timezone.utc)
        row = {"id": "x", "project_id": 1, "state": "done", "sign": {}, "failure": None, "artefact": None}
        for formula, result in (("1", {}), (None, {"formula": "1"})):
            done = {"formula": formula, "result": result, "created_at": now, "finished_at": now}
            self.assertEqual(jobs.as_document(types.SimpleNamespace(**row, **done))["formula"], "1")

    def test_bad_inspections_are_refused_before_the_database_is_asked(self):
        if importlib.util.find_spec("apex.api.inspections") is None:
            self.skipTest("this release has none")
        for document in (None, {}, {"inspector": " ", "outcome": "sound"}, {"inspector": "Ada", "outcome": "fine"}):
            self.assertEqual(call("POST", "/api/v1/projects/1/inspections", document)[0], 400, document)
