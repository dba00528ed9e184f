from functions.db import engine


def cast(event, context):
    with engine.begin():
        return {"statusCode": 204}


def count(event, context):
    with engine.connect():
        return {"statusCode": 200}
