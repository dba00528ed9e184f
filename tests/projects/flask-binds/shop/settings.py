import os


class Production:
    SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]
    SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 8, "max_overflow": 2, "pool_pre_ping": True}
    # Flask-SQLAlchemy 3 gives a bind none of the options above.
    SQLALCHEMY_BINDS = {
        "audit": os.environ["AUDIT_URL"],
        "replica": {"url": os.environ["REPLICA_URL"], "pool_size": 4, "max_overflow": 0, "pool_pre_ping": True},
    }
