from functions.db import engine


def handler(event, context):
    with engine.connect():
        return {"statusCode": 200}
