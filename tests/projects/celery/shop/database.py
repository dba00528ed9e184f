import os

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine(os.environ["SHOP_DATABASE"], pool_size=5, max_overflow=10, pool_pre_ping=True)
Session = sessionmaker(engine)
