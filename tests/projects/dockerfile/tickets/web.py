from flask import Flask
from sqlalchemy import text

from tickets.database import engine

app = Flask(__name__)


@app.get("/tickets")
def tickets():
    with engine.connect() as connection:
        return [row.id for row in connection.execute(text("select id from tickets"))]
