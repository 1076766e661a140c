"""One job from beginning to end."""

import json

import sqlalchemy as sa

from apex import __version__, database, remote, settings


def run(job_id, store):
    """Calculates a job, keeps its sheet in the object store and its result in the database."""
    with database.engine().connect() as connection:
        query = (
            sa.select(database.jobs.c.sign, database.projects.c.name, database.projects.c.wind_speed_ms)
            .join(database.projects, database.projects.c.id == database.jobs.c.project_id)
            .where(database.jobs.c.id == job_id)
        )
        row = connection.execute(query).one_or_none()
    if row is None:
        return None  # its project was deleted, or the data went back to a time before it
    try:
        result = remote.call(
            "POST",
            settings.optional("APEX_SIGNCALC_URL", "http://signcalc:8100") + "/calculate",
            {**row.sign, "wind_speed_ms": row.wind_speed_ms},
            timeout_s=10,
        )
    except remote.RemoteError as failure:
        # The service answered and refused: trying again would not help.
        _finish(job_id, state="failed", failure=str(failure))
        return "failed"
    key = f"jobs/{job_id}.json"
    sheet = {"job": job_id, "project": row.name, "sign": row.sign, "result": result, "worker": __version__}
    store.put(key, json.dumps(sheet, indent=2).encode())
    formula = result.pop("formula", None)
    _finish(job_id, state="done", result=result, formula=formula, artefact=key)
    return "done"


def _finish(job_id, **values):
    with database.engine().begin() as connection:
        change = sa.update(database.jobs).where(database.jobs.c.id == job_id)
        connection.execute(change.values(finished_at=sa.func.now(), **values))
