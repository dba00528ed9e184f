from sqlalchemy import create_engine

from app.core.config import settings

engine = create_engine(settings.database_url, pool_size=settings.DB_POOL_SIZE, pool_pre_ping=True)
