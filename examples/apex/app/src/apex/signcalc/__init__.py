"""The calculation service: wind load, overturning moment and footing of a sign on a post."""
