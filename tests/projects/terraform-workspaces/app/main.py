from fastapi import FastAPI

from app.db import engine

app = FastAPI()


@app.get("/bookings")
async def bookings():
    async with engine.connect():
        return []
