"""Configurations of Flask-SQLAlchemy-Lite, and the pools that it makes of them: read here, measured in proofs."""

URL = "postgresql+psycopg2://db/orders"
START = "from flask import Flask\nfrom flask_sqlalchemy_lite import SQLAlchemy\napp = Flask(__name__)\n"
PING = "engine_options={'pool_pre_ping': True, 'pool_size': 3}"
# What is configured → by engine ("async" before those of SQLALCHEMY_ASYNC_ENGINES): class, size, overflow, recycle, ping.
LITE = {
    "a URL takes the constructor's options": (
        f"app.config['SQLALCHEMY_ENGINES'] = {{'default': '{URL}'}}\ndb = SQLAlchemy(app, {PING})\n",
        {"default": ("QueuePool", 3, 10, -1, True)},
    ),
    "an entry's options go over the constructor's": (
        f"app.config['SQLALCHEMY_ENGINES'] = {{'default': {{'url': '{URL}', 'pool_size': 7, 'pool_recycle': 60}}}}\n"
        f"db = SQLAlchemy(app, {PING})\n",
        {"default": ("QueuePool", 7, 10, 60, True)},
    ),
    "text becomes a number": (
        f"app.config['SQLALCHEMY_ENGINES'] = {{'default': {{'url': '{URL}', 'pool_size': '7', 'max_overflow': '2'}}}}\n"
        "db = SQLAlchemy(app)\n",
        {"default": ("QueuePool", 7, 2, -1, False)},
    ),
    "every entry is an engine": (
        f"app.config['SQLALCHEMY_ENGINES'] = {{'default': '{URL}', 'other': {{'url': '{URL}', 'pool_size': 9}}}}\n"
        "db = SQLAlchemy(app)\n",
        {"default": ("QueuePool", 5, 10, -1, False), "other": ("QueuePool", 9, 10, -1, False)},
    ),
    "asynchronous engines have a key of their own": (
        "app.config['SQLALCHEMY_ASYNC_ENGINES'] = {'default': 'postgresql+asyncpg://db/orders'}\n"
        f"db = SQLAlchemy(app, {PING})\n",
        {"async default": ("AsyncAdaptedQueuePool", 3, 10, -1, True)},
    ),
    "MySQL's connections are kept for two hours": (
        "app.config['SQLALCHEMY_ENGINES'] = {'default': 'mysql+pymysql://db/orders'}\ndb = SQLAlchemy(app)\n",
        {"default": ("QueuePool", 5, 10, 7200, False)},
    ),
    "MariaDB's are not": (
        "app.config['SQLALCHEMY_ENGINES'] = {'default': 'mariadb+pymysql://db/orders'}\ndb = SQLAlchemy(app)\n",
        {"default": ("QueuePool", 5, 10, -1, False)},
    ),
    "SQLite in memory is one connection": (
        "app.config['SQLALCHEMY_ENGINES'] = {'default': 'sqlite://'}\ndb = SQLAlchemy(app)\n",
        {"default": ("StaticPool", None, None, -1, False)},
    ),
    "what version 3 reads is not read": (
        f"app.config['SQLALCHEMY_DATABASE_URI'] = '{URL}'\napp.config['SQLALCHEMY_ENGINE_OPTIONS'] = {{'pool_size': 9}}\n"
        f"app.config['SQLALCHEMY_ENGINES'] = {{'default': '{URL}'}}\ndb = SQLAlchemy(app)\n",
        {"default": ("QueuePool", 5, 10, -1, False)},
    ),
}
