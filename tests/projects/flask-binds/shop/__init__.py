from flask import Flask

from shop.models import db


def create_app():
    app = Flask(__name__)
    app.config.from_object("shop.settings.Production")
    db.init_app(app)
    return app
