"""Is this API ready to serve? Only when every service behind it answers and the schema is the one it knows."""

import concurrent.futures
import functools
import pathlib

import sqlalchemy as sa

from apex import database, log, objects, queue, remote, settings

# Written when the image is built, by `alembic heads`.
HEAD_FILE = pathlib.Path("/app/alembic-head")
_pool = concurrent.futures.ThreadPoolExecutor(max_workers=8, thread_name_prefix="ready")
# Probes come ten times a second.
_complaint = log.Repeated(every_s=5)


@functools.lru_cache(maxsize=None)
def known_revision():
    """The newest migration in this image."""
    return HEAD_FILE.read_text().strip()


def check_database():
    with database.engine().connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        tagged = sa.inspect(connection).has_table("project_tags")
    if found != known_revision():
        raise RuntimeError(f"the database is at revision {found or '(none)'}, this image needs {known_revision()}")
    if not tagged:
        # What is broken about this release: its code expects a table, and nobody wrote the migration.
        raise RuntimeError("the table project_tags is missing: 0.3.0 needs it, but no migration in it makes it")


def check_cache():
    queue.connection().ping()


def check_object():
    objects.from_settings().check()


def check_search():
    remote.call("GET", settings.optional("APEX_SEARCH_URL", "http://search:7700") + "/health")


CHECKS = {"database": check_database, "cache": check_cache, "object": check_object, "search": check_search}


def check_all(checks=None):
    """Runs every check at once. Returns (ready, {name: "ok" or what is wrong})."""
    checks = checks or CHECKS
    running = {name: _pool.submit(check) for name, check in checks.items()}
    found = {}
    for name, future in running.items():
        try:
            future.result(timeout=2.5)
            found[name] = "ok"
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is why we are not ready
            found[name] = log.first_line(failure)
    ready = all(text == "ok" for text in found.values())
    if not ready:
        _complaint.error("not ready", "; ".join(f"{name}: {state}" for name, state in found.items() if state != "ok"))
    return ready, found
