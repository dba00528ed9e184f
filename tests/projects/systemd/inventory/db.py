import os

from sqlalchemy import create_engine

engine = create_engine(
    os.environ["INVENTORY_DATABASE_URL"],
    pool_size=int(os.environ.get("INVENTORY_POOL_SIZE", 5)),
    max_overflow=0,
    pool_pre_ping=True,
)
