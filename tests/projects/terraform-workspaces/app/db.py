from sqlalchemy.ext.asyncio import create_async_engine

from app.config import settings

engine = create_async_engine(
    f"postgresql+asyncpg://bookings@{settings.database_host}/{settings.database_name}",
    pool_size=settings.pool_size,
    max_overflow=settings.max_overflow,
    pool_recycle=300,
    pool_pre_ping=True,
)
