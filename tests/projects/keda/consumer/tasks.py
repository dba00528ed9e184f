import dramatiq

from consumer.db import engine


@dramatiq.actor
def store(event):
    with engine.begin():
        pass
