"""The formulas. An illustration of a calculation service, not a basis for building anything."""

import math

REVISION = "2"

# Revision 1 took one drag coefficient for every sign; a long, low sign catches more wind than a square one.
# Width over height, and what the configured coefficient is multiplied by; straight lines in between.
DRAG_BY_ASPECT = ((1.0, 1.0), (5.0, 1.05), (10.0, 1.1), (20.0, 1.2), (40.0, 1.35))


def calculate(sign, factors):
    """Forces on a rectangular sign on one post and the depth of its footing; SI units throughout.

    sign: width_m, height_m, clearance_m (ground to lower edge), wind_speed_ms.
    factors: air_density_kg_m3, drag_coefficient, gust_factor, soil_bearing_pa_per_m, footing_diameter_m.
    """
    area = sign["width_m"] * sign["height_m"]
    pressure = 0.5 * factors["air_density_kg_m3"] * sign["wind_speed_ms"] ** 2
    drag = factors["drag_coefficient"] * aspect_factor(sign["width_m"], sign["height_m"])
    force = pressure * drag * factors["gust_factor"] * area
    arm = sign["clearance_m"] + sign["height_m"] / 2
    return {
        "formula": REVISION,
        "drag_coefficient": round(drag, 3),
        "wind_pressure_pa": round(pressure, 1),
        "wind_force_n": round(force, 1),
        "moment_nm": round(force * arm, 1),
        "footing_depth_m": round(footing_depth(force, arm, factors), 3),
    }


def aspect_factor(width_m, height_m):
    """How much more wind a sign catches than a square one; the same for a tall one as for a long one."""
    aspect = max(width_m / height_m, height_m / width_m)
    for (low, low_factor), (high, high_factor) in zip(DRAG_BY_ASPECT, DRAG_BY_ASPECT[1:]):
        if aspect <= high:
            return low_factor + (high_factor - low_factor) * (aspect - low) / (high - low)
    return DRAG_BY_ASPECT[-1][1]


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
