"""Apex: sign projects and the structural calculations that go with them."""

__version__ = "0.3.0"
