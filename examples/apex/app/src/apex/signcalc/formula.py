"""The formulas. An illustration of a calculation service, not a basis for building anything."""

import math

REVISION = "1"


def calculate(sign, factors):
    """Forces on a rectangular sign on one post and the depth of its footing; SI units throughout.

    sign: width_m, height_m, clearance_m (ground to lower edge), wind_speed_ms.
    factors: air_density_kg_m3, drag_coefficient, gust_factor, soil_bearing_pa_per_m, footing_diameter_m.
    """
    area = sign["width_m"] * sign["height_m"]
    pressure = 0.5 * factors["air_density_kg_m3"] * sign["wind_speed_ms"] ** 2
    drag = factors["drag_coefficient"]
    force = pressure * drag * factors["gust_factor"] * area
    arm = sign["clearance_m"] + sign["height_m"] / 2
    return {
        "formula": REVISION,
        "drag_coefficient": drag,
        "wind_pressure_pa": round(pressure, 1),
        "wind_force_n": round(force, 1),
        "moment_nm": round(force * arm, 1),
        "footing_depth_m": round(footing_depth(force, arm, factors), 3),
    }


def footing_depth(force, arm, factors):
    """Embedment of an unconstrained post in soil whose lateral bearing grows with depth.

    d = a/2 (1 + sqrt(1 + 4.36 h / a)) with a = 2.34 P / (S b), where S is the bearing at a third of
    the depth: d stands on both sides, so it is found by repeating until it moves less than 0.1 mm.
    """
    depth = 1.0
    for _ in range(200):
        bearing = factors["soil_bearing_pa_per_m"] * depth / 3
        a = 2.34 * force / (bearing * factors["footing_diameter_m"])
        following = (depth + a / 2 * (1 + math.sqrt(1 + 4.36 * arm / a))) / 2
        if abs(following - depth) < 1e-4:
            return following
        depth = following
    return depth
