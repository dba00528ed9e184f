import os

from sqlalchemy import create_engine

engine = create_engine(
    f"mysql+pymysql://ledger@{os.environ['DB_HOST']}/ledger", pool_size=20, max_overflow=10, pool_pre_ping=True
)
