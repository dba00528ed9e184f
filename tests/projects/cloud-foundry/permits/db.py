import json
import os

from sqlalchemy import create_engine

credentials = json.loads(os.environ["VCAP_SERVICES"])["postgres"][0]["credentials"]
engine = create_engine(credentials["uri"], pool_size=12, max_overflow=4, pool_recycle=1800, pool_pre_ping=True)
