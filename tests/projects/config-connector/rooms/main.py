from fastapi import FastAPI

from rooms.db import engine

app = FastAPI()


@app.get("/rooms")
def rooms():
    with engine.connect():
        return []
