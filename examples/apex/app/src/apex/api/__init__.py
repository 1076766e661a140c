"""The HTTP API: projects, and the jobs that calculate their signs."""
