import json
import math
import pathlib

import bottle

from apex import __version__, log, server, settings
from apex.signcalc import formula

log.start("signcalc")
factors_file = pathlib.Path(settings.optional("APEX_FACTORS", "/etc/apex/factors.json"))
try:
    factors = {name: float(value) for name, value in json.loads(factors_file.read_text()).items()}
except (OSError, ValueError, TypeError, AttributeError) as failure:
    raise SystemExit(f"signcalc: {factors_file} must be a JSON object of numbers: {failure}") from failure

app = server.new_app()


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/version")
def version():
    return {"service": "signcalc", "version": __version__, "formula": formula.REVISION, "factors": factors}


@app.post("/calculate")
def calculate():
    document = bottle.request.json
    sign = {}
    for name in ("width_m", "height_m", "clearance_m", "wind_speed_ms"):
        value = document.get(name) if isinstance(document, dict) else None
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0 or value > 1000:
            bottle.abort(400, f"{name} must be a number from 0 to 1000")
        sign[name] = float(value)
    if 0 in (sign["width_m"], sign["height_m"], sign["wind_speed_ms"]):
        bottle.abort(400, "width_m, height_m and wind_speed_ms must be above 0")
    return formula.calculate(sign, factors)


server.serve(app, "signcalc", int(settings.optional("APEX_PORT", "8100")), threads=4)
