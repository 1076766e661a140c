"""Jobs: one sign to calculate. The API stores and queues a job, the worker does it."""

import uuid

import bottle
import sqlalchemy as sa

from apex import database, objects, queue

DIMENSIONS = ("width_m", "height_m", "clearance_m")


def as_document(row):
    """A row of the jobs table as the API shows it."""
    return {
        "id": row.id,
        "project_id": row.project_id,
        "state": row.state,
        "sign": row.sign,
        # In the result of a job that 0.1.0 has done since this release was here first.
        "formula": row.formula or (row.result or {}).get("formula"),
        "result": row.result,
        "failure": row.failure,
        "artefact": f"/api/v1/jobs/{row.id}/artefact" if row.state == "done" else None,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }


def create_job():
    """Stores a job and queues it; answers 202 with where to look for the result."""
    document = bottle.request.json
    sign = document.get("sign") if isinstance(document, dict) else None
    if not isinstance(sign, dict) or not all(isinstance(sign.get(key), (int, float)) for key in DIMENSIONS):
        bottle.abort(400, f"a job needs project_id and sign: {{{', '.join(DIMENSIONS)}}}, all of them numbers")
    project_id = document.get("project_id")
    values = {"id": str(uuid.uuid4()), "project_id": project_id, "sign": {key: sign[key] for key in DIMENSIONS}}
    try:
        with database.engine().begin() as connection:
            row = connection.execute(sa.insert(database.jobs).values(values).returning(database.jobs)).one()
    except (sa.exc.IntegrityError, sa.exc.DataError):
        bottle.abort(404, f"there is no project {project_id!r}")
    queue.push(row.id)
    bottle.response.status = 202
    return as_document(row)


def show_job(job_id):
    """One job, with its result once the worker is done."""
    return as_document(_row(job_id))


def show_artefact(job_id):
    """The calculation sheet that the worker put into the object store."""
    row = _row(job_id)
    body = objects.from_settings().get(f"jobs/{row.id}.json") if row.state == "done" else None
    if body is None:
        bottle.abort(404, f"job {job_id} has no calculation sheet yet")
    bottle.response.content_type = "application/json"
    return body


def _row(job_id):
    with database.engine().connect() as connection:
        try:
            row = connection.execute(sa.select(database.jobs).where(database.jobs.c.id == job_id)).one_or_none()
        except sa.exc.DataError:  # not a UUID
            row = None
    if row is None:
        bottle.abort(404, f"there is no job {job_id}")
    return row
