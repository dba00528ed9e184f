import os

from sqlalchemy import create_engine

# Heroku writes the scheme that SQLAlchemy no longer knows.
url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://", 1)
engine = create_engine(url, pool_size=10, max_overflow=5, pool_pre_ping=True)
