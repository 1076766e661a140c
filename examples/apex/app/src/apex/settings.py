"""Settings of every Apex process, read once from the environment."""

import os
import sys


def required(name):
    """The value of an environment variable; ends the process with one clear line when it is missing."""
    value = os.environ.get(name)
    if not value:
        sys.exit(f"apex: the environment variable {name} is not set: set it in compose.yaml")
    return value


def optional(name, default):
    """The value of an environment variable, or the default when it is unset or empty."""
    return os.environ.get(name) or default
