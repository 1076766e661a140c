"""The routes of the API."""

import bottle

from apex import __version__, server
from apex.api import inspections, jobs, projects, readiness

app = server.new_app()


@app.get("/health")
def health():
    """Alive: the process answers. Says nothing about the services behind it."""
    return {"status": "ok"}


@app.get("/ready")
def ready():
    """Ready: everything behind the API answers and the schema fits. 503 and the reason otherwise."""
    is_ready, checks = readiness.check_all()
    if not is_ready:
        bottle.response.status = 503
    return {"ready": is_ready, "checks": checks}


@app.get("/version")
def version():
    return {"service": "api", "version": __version__, "revision": readiness.known_revision()}


app.get("/api/v1/projects", callback=projects.list_projects)
app.post("/api/v1/projects", callback=projects.create_project)
app.get("/api/v1/projects/<project_id:int>/inspections", callback=inspections.list_inspections)
app.post("/api/v1/projects/<project_id:int>/inspections", callback=inspections.create_inspection)
app.post("/api/v1/jobs", callback=jobs.create_job)
app.get("/api/v1/jobs/<job_id>", callback=jobs.show_job)
app.get("/api/v1/jobs/<job_id>/artefact", callback=jobs.show_artefact)
