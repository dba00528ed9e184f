from fastapi import FastAPI

from server.db import engine

app = FastAPI()


@app.get("/")
async def index():
    async with engine.connect():
        return {}
