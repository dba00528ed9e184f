import os

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine(
    f"postgresql+asyncpg://{os.environ['DB_USER']}@{os.environ['DB_HOST']}:5432/{os.environ['DB_NAME']}",
    pool_size=10,
    max_overflow=10,
    pool_pre_ping=True,
)
Session = async_sessionmaker(engine)
