from fastapi import FastAPI
from sqlalchemy import text

from app.db import Session

app = FastAPI()


@app.get("/orders")
def orders():
    with Session() as session:
        return session.execute(text("select id from orders")).scalars().all()
