"""Is this API ready to serve? Only when every service behind it answers and the schema is the one it knows."""

import concurrent.futures
import functools
import pathlib

import sqlalchemy as sa

from apex import database, log, objects, queue, remote, settings

# Written when the image is built, by `alembic heads`.
HEAD_FILE = pathlib.Path("/app/alembic-head")
MIGRATIONS = pathlib.Path("/app/migrations/versions")
_pool = concurrent.futures.ThreadPoolExecutor(max_workers=8, thread_name_prefix="ready")
# Probes come ten times a second.
_complaint = log.Repeated(every_s=5)


@functools.lru_cache(maxsize=None)
def known_revision():
    """The newest migration in this image."""
    return HEAD_FILE.read_text().strip()


@functools.lru_cache(maxsize=None)
def known_revisions():
    """Every migration in this image: Alembic names each file after its revision."""
    return {file.name.split("_")[0] for file in MIGRATIONS.glob("*.py")}


def check_database():
    with database.engine().connect() as connection:
        if not sa.inspect(connection).has_table("project_tags"):
            # What is broken about this release: its code expects a table, and nobody wrote the migration.
            raise RuntimeError("the table project_tags is missing: 0.3.0 needs it, but no migration in it makes it")
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        if found == known_revision():
            return
        if found is None or found in known_revisions():
            raise RuntimeError(f"the database is at revision {found or '(none)'}, this image needs {known_revision()}")
        # A newer release was here, and its schema was kept. It fits as long as it has all that this code uses.
        for table in database.metadata.sorted_tables:
            connection.execute(sa.select(table).limit(0))


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
