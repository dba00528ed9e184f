"""Flask-SQLAlchemy: extensions, and the configuration that their engines come from."""
