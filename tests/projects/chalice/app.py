import os

from chalice import Chalice
from sqlalchemy import create_engine, text

app = Chalice(app_name="receipts")
engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)


@app.route("/receipts")
def receipts():
    with engine.connect() as connection:
        return [row[0] for row in connection.execute(text("select id from receipts"))]
