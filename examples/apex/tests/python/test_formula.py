"""Run in an image of the API: python3 -m unittest discover /tests."""

import unittest

from apex import __version__
from apex.signcalc import formula

FACTORS = {
    "air_density_kg_m3": 1.225,
    "drag_coefficient": 1.2,
    "gust_factor": 0.85,
    "soil_bearing_pa_per_m": 23500.0,
    "footing_diameter_m": 0.6,
}
SQUARE = {"width_m": 2.0, "height_m": 2.0, "clearance_m": 3.0, "wind_speed_ms": 30.0}


class Formula(unittest.TestCase):
    def test_the_force_on_a_square_sign_is_pressure_times_coefficients_times_area(self):
        result = formula.calculate(SQUARE, FACTORS)
        # 0.5 * 1.225 * 30^2 = 551.25 Pa; * 1.2 * 0.85 * 4 m2 = 2249.1 N; * (3 + 1) m = 8996.4 Nm
        self.assertAlmostEqual(result["wind_pressure_pa"], 551.2, delta=0.1)
        self.assertAlmostEqual(result["wind_force_n"], 2249.1, delta=0.1)
        self.assertAlmostEqual(result["moment_nm"], 8996.4, delta=0.1)

    def test_the_footing_depth_solves_its_own_equation(self):
        force, arm = 2249.1, 4.0
        depth = formula.footing_depth(force, arm, FACTORS)
        a = 2.34 * force / (FACTORS["soil_bearing_pa_per_m"] * depth / 3 * FACTORS["footing_diameter_m"])
        self.assertAlmostEqual(depth, a / 2 * (1 + (1 + 4.36 * arm / a) ** 0.5), delta=0.001)

    def test_more_wind_needs_a_deeper_footing(self):
        depths = [
            formula.calculate({**SQUARE, "wind_speed_ms": speed}, FACTORS)["footing_depth_m"] for speed in (10, 30, 60)
        ]
        self.assertEqual(depths, sorted(set(depths)))

    def test_each_release_names_its_formula(self):
        self.assertEqual(formula.REVISION, "1" if __version__ == "0.1.0" else "2")

    def test_a_long_sign_catches_more_wind_from_revision_2_on(self):
        long = {**SQUARE, "width_m": 8.0, "height_m": 0.5}  # as large as the square one
        drag = formula.calculate(long, FACTORS)["drag_coefficient"]
        if formula.REVISION == "1":
            self.assertEqual(drag, 1.2)
        else:
            self.assertAlmostEqual(drag, 1.2 * 1.16, delta=0.001)
