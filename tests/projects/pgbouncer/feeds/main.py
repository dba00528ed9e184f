from fastapi import FastAPI

from feeds.db import engine

app = FastAPI()


@app.get("/feeds")
async def feeds():
    async with engine.connect():
        return []
