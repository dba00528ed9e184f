import os

from sqlalchemy import create_engine

options = {"pool_size": 15, "max_overflow": 5, "pool_recycle": 280}
engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True, **options)
