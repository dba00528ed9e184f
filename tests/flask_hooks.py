"""Methods that change the options of Flask-SQLAlchemy 2, and the pools that they make: read here, measured in proofs."""

URI = "postgresql+psycopg2://db/orders"
HOOKED = (
    "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\nfrom sqlalchemy.pool import NullPool\n"
    "class Mine(SQLAlchemy):\n{hook}"
    f"app = Flask(__name__)\napp.config['SQLALCHEMY_DATABASE_URI'] = '{URI}'\n"
    "app.config['SQLALCHEMY_POOL_SIZE'] = 9\napp.config['SQLALCHEMY_MAX_OVERFLOW'] = 2\n"
    "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {{'pool_recycle': 900}}\n"
    "db = Mine(app)\n"
)
DRIVER = "    def apply_driver_hacks(self, app, info, options):\n"
POOL = "    def apply_pool_defaults(self, app, options):\n"
# What the method does → class, size, overflow, recycle, ping with 2.4.4 and 2.5.1, as tests/proofs measures them.
HOOKS = {
    "a driver hack that hands on": (
        DRIVER + "        options['pool_pre_ping'] = True\n"
        "        return super().apply_driver_hacks(app, info, options)\n",
        ("QueuePool", 9, 2, 900, True),
        ("QueuePool", 9, 2, 900, True),
    ),
    "the configuration wins over a hook": (
        DRIVER + "        options.update(pool_recycle=60, pool_size=1)\n        return info, options\n",
        ("QueuePool", 1, 2, 900, False),
        ("QueuePool", 1, 2, 900, False),
    ),
    "pool defaults without those of the library": (
        POOL + "        options['pool_size'] = 7\n        return options\n",
        ("QueuePool", 7, 10, 900, False),
        ("QueuePool", 7, 10, 900, False),
    ),
    "pool defaults over those of the library": (
        POOL + "        super(Mine, self).apply_pool_defaults(app, options)\n        options['pool_size'] = 7\n"
        "        return options\n",
        ("QueuePool", 7, 2, 900, False),
        ("QueuePool", 7, 2, 900, False),
    ),
    "pool defaults under those of the library": (
        POOL + "        options['pool_size'] = 7\n        SQLAlchemy.apply_pool_defaults(self, app, options)\n"
        "        return options\n",
        ("QueuePool", 9, 2, 900, False),
        ("QueuePool", 9, 2, 900, False),
    ),
    "another pool class": (
        DRIVER + "        options['poolclass'] = NullPool\n        options.pop('pool_size', None)\n"
        "        options.pop('max_overflow', None)\n        return info, options\n",
        ("NullPool", None, None, 900, False),
        ("NullPool", None, None, 900, False),
    ),
    "what is returned counts since 2.5": (
        POOL + "        options['pool_size'] = 7\n        return {'pool_size': 8}\n",
        ("QueuePool", 7, 10, 900, False),
        ("QueuePool", 8, 10, 900, False),
    ),
    "nothing is returned, which 2.5 refuses": (
        DRIVER + "        options['pool_pre_ping'] = True\n",
        ("QueuePool", 9, 2, 900, True),
        None,
    ),
}
