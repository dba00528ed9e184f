import os

from sqlalchemy import create_engine

engine = create_engine(
    os.environ["CATALOG_URL"],
    pool_size=int(os.getenv("CATALOG_POOL", "5")),
    max_overflow=5,
    pool_pre_ping=True,
)
