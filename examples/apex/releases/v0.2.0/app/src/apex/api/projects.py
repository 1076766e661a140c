"""Projects: where a sign is to stand, and how hard the wind blows there."""

import bottle
import sqlalchemy as sa

from apex import database, log, remote, settings
from apex.api.cache import cache

# Not the key of the release before: its cached answers lack what this one adds.
LIST_KEY = "projects:2"
AIR_DENSITY_KG_M3 = 1.225


def _select():
    """Projects, each with how many inspections it has had."""
    inspections = database.inspections
    count = sa.select(sa.func.count()).where(inspections.c.project_id == database.projects.c.id).scalar_subquery()
    return sa.select(database.projects, count.label("inspections"))


def as_document(row):
    """A project as the API shows it."""
    return {
        "id": row.id,
        "name": row.name,
        "location": row.location,
        "wind_speed_ms": row.wind_speed_ms,
        "wind_pressure_pa": round(0.5 * AIR_DENSITY_KG_M3 * row.wind_speed_ms**2, 1),
        "inspections": row.inspections,
        "created_at": row.created_at.isoformat(),
    }


def list_projects():
    """All projects, oldest first; with ?search=words those that match, best first."""
    words = bottle.request.query.getunicode("search")
    if words:
        return {"projects": _found(words)}
    documents = cache.get(LIST_KEY)
    if documents is None:
        with database.engine().connect() as connection:
            rows = connection.execute(_select().order_by(database.projects.c.id)).all()
        documents = [as_document(row) for row in rows]
        cache.put(LIST_KEY, documents)
    return {"projects": documents}


def create_project():
    """Stores a project, tells the search of it and forgets the cached list."""
    document = bottle.request.json
    if not isinstance(document, dict) or not isinstance(document.get("name"), str) or not document["name"].strip():
        bottle.abort(400, "a project needs a name: send {\"name\": \"…\", \"location\": \"…\", \"wind_speed_ms\": 30}")
    try:
        wind_speed = float(document.get("wind_speed_ms", 30.0))
    except (TypeError, ValueError):
        bottle.abort(400, "wind_speed_ms must be a number of metres per second")
    if not 0 < wind_speed <= 120:
        bottle.abort(400, "wind_speed_ms must be above 0 and at most 120")
    values = {
        "name": document["name"].strip(),
        "location": str(document.get("location", "")),
        "wind_speed_ms": wind_speed,
    }
    try:
        with database.engine().begin() as connection:
            insert = sa.insert(database.projects).values(values).returning(database.projects.c.id)
            key = connection.execute(insert).scalar_one()
            row = connection.execute(_select().where(database.projects.c.id == key)).one()
    except sa.exc.IntegrityError:
        bottle.abort(409, f"there is a project named {values['name']!r} already")
    _index(row)
    cache.clear()
    bottle.response.status = 201
    return as_document(row)


def _index(row):
    # A project is stored even when the search is away: it is then found by listing, not by words.
    try:
        remote.call("PUT", f"{_search_url()}/documents/{row.id}", {"title": row.name, "body": row.location})
    except (OSError, remote.RemoteError) as failure:
        log.warn("project not indexed", project=row.id, reason=str(failure))


def _found(words):
    import urllib.parse

    try:
        answer = remote.call("GET", f"{_search_url()}/search?q={urllib.parse.quote(words)}")
    except (OSError, remote.RemoteError) as failure:
        bottle.abort(503, f"the search does not answer: {failure}")
    ids = [int(hit["id"]) for hit in answer["hits"]]
    with database.engine().connect() as connection:
        rows = connection.execute(_select().where(database.projects.c.id.in_(ids))).all()
    by_id = {row.id: row for row in rows}
    return [as_document(by_id[key]) for key in ids if key in by_id]


def _search_url():
    return settings.optional("APEX_SEARCH_URL", "http://search:7700")
