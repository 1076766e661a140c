"""Inspections: who looked at the signs of a project, and what came of it."""

import bottle
import sqlalchemy as sa

from apex import database
from apex.api.cache import cache
from apex.api.projects import LIST_KEY

OUTCOMES = ("sound", "repair", "closed")


def as_document(row):
    """A row of the inspections table as the API shows it."""
    return {
        "id": row.id,
        "project_id": row.project_id,
        "inspector": row.inspector,
        "outcome": row.outcome,
        "inspected_at": row.inspected_at.isoformat(),
    }


def list_inspections(project_id):
    """The inspections of a project, oldest first."""
    inspections = database.inspections
    query = sa.select(inspections).where(inspections.c.project_id == project_id).order_by(inspections.c.id)
    with database.engine().connect() as connection:
        return {"inspections": [as_document(row) for row in connection.execute(query)]}


def create_inspection(project_id):
    """Stores an inspection and forgets the cached list of projects, which counts them."""
    document = bottle.request.json
    inspector = document.get("inspector") if isinstance(document, dict) else None
    if not isinstance(inspector, str) or not inspector.strip() or document.get("outcome") not in OUTCOMES:
        bottle.abort(400, f"an inspection needs an inspector and an outcome, one of {', '.join(OUTCOMES)}")
    values = {"project_id": project_id, "inspector": inspector.strip(), "outcome": document["outcome"]}
    insert = sa.insert(database.inspections).values(values).returning(database.inspections)
    try:
        with database.engine().begin() as connection:
            row = connection.execute(insert).one()
    except (sa.exc.IntegrityError, sa.exc.DataError):
        bottle.abort(404, f"there is no project {project_id}")
    cache.clear()
    bottle.response.status = 201
    return as_document(row)
