from functions.db import engine


def handler(event, context):
    with engine.begin():
        return {"statusCode": 204}
