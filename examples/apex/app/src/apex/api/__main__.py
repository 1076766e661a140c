from apex import log, server, settings
from apex.api.app import app

log.start("api")
server.serve(app, "api", int(settings.optional("APEX_PORT", "8000")))
