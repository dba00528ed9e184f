from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.settings import DATABASE_URL, POOL_SIZE

engine = create_engine(DATABASE_URL, pool_size=POOL_SIZE, max_overflow=2, pool_pre_ping=True)
Session = sessionmaker(engine)
