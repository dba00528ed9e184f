"""Read the code, the deployment and the database's limit together, before the deploy."""

__version__ = "0.1.0"
