from celery import Celery

from models import engine

app = Celery("jobs")


@app.task
def send_reports():
    with engine.begin():
        pass
