from fastapi import FastAPI

from app.db import engine

app = FastAPI()


@app.get("/parcels")
def parcels():
    with engine.connect():
        return []
