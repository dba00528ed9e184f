from fastapi import FastAPI

from orders.db import engine

app = FastAPI()


@app.get("/orders")
def orders():
    with engine.connect():
        return []
