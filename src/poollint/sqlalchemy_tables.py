"""What SQLAlchemy and its drivers accept, refuse and assume: data only, each row checked against the real ones.

`tests/proofs/test_sqlalchemy_tables.py` runs every row, so a release that changes one makes a test fail.
The measurements behind it: SQLAlchemy 1.4.54, 2.0.57 and 2.1.9, psycopg2 2.9.13, psycopg 3.3.9, asyncpg 0.32.0,
pg8000 1.31.6, PyMySQL 1.2.4, aiomysql 0.3.2, asyncmy 0.2.18, Flask-SQLAlchemy 2.5.1 and 3.1.1.
"""

from __future__ import annotations

from collections.abc import Mapping

# -- the calls that create engines -------------------------------------------------------------------------------------

# By canonical name (python/names.py): every public path to one function is one name.
FACTORIES: Mapping[str, str] = {
    "sqlalchemy.create_engine": "create_engine",
    "sqlalchemy.engine_from_config": "engine_from_config",
    "sqlalchemy.ext.asyncio.create_async_engine": "create_async_engine",
    "sqlalchemy.ext.asyncio.async_engine_from_config": "async_engine_from_config",
    "advanced_alchemy.config.SQLAlchemyAsyncConfig": "create_async_engine",
    "advanced_alchemy.config.SQLAlchemySyncConfig": "create_engine",
}
# Those that are classes, which make one engine when they are first asked for it, and keep it: `connection_string` is its URL,
# and what `engine_config` holds are its options.
CONFIGURED = frozenset({"advanced_alchemy.config.SQLAlchemyAsyncConfig", "advanced_alchemy.config.SQLAlchemySyncConfig"})
ENGINE_CONFIG = "advanced_alchemy.config.EngineConfig"
ASYNC_FACTORIES = frozenset({"create_async_engine", "async_engine_from_config"})

# `AsyncEngine(create_engine(url, future=True))` is how 1.4's documentation, and SQLModel users, make an async engine.
ASYNC_WRAPPERS = frozenset({"sqlalchemy.ext.asyncio.AsyncEngine"})

FLASK_EXTENSION = "flask_sqlalchemy.SQLAlchemy"
FLASK_LITE_EXTENSION = "flask_sqlalchemy_lite.SQLAlchemy"

# -- pools -------------------------------------------------------------------------------------------------------------

QUEUE_ARGUMENTS = ("pool_size", "max_overflow", "pool_timeout", "pool_use_lifo")

DEFAULTS: Mapping[str, object] = {
    "pool_size": 5,
    "max_overflow": 10,
    "pool_timeout": 30.0,
    "pool_recycle": -1,
    "pool_pre_ping": False,
}

# The size options each pool class refuses: TypeError "Invalid argument(s) ... sent to create_engine()".
REFUSED_BY_POOL: Mapping[str, tuple[str, ...]] = {
    "NullPool": QUEUE_ARGUMENTS,
    "StaticPool": QUEUE_ARGUMENTS,
    "AssertionPool": QUEUE_ARGUMENTS,
    "SingletonThreadPool": ("max_overflow", "pool_timeout", "pool_use_lifo"),
    "QueuePool": (),
    "AsyncAdaptedQueuePool": (),
}

# What `pool=` (a finished pool) refuses beside it.
REFUSED_BESIDE_POOL = (*QUEUE_ARGUMENTS, "pool_recycle", "pool_pre_ping", "pool_reset_on_return", "poolclass")

POOL_CLASSES = frozenset({*REFUSED_BY_POOL, "FallbackAsyncAdaptedQueuePool"})

# Pools that may not serve an async engine, and those that may serve only one: ArgumentError from 2.0.28 on.
SYNC_ONLY_POOLS = frozenset({"QueuePool", "SingletonThreadPool"})
ASYNC_ONLY_POOLS = frozenset({"AsyncAdaptedQueuePool"})
POOL_KIND_REFUSED_SINCE = "2.0.28"

# -- values that SQLAlchemy cannot use ---------------------------------------------------------------------------------

NUMBERS = ("pool_size", "max_overflow", "pool_recycle", "pool_timeout")

# (keyword, what was given) → when it fails. Text in pool_timeout fails only where the pool is exhausted.
WRONG_TYPES: Mapping[tuple[str, str], str] = {
    ("pool_size", "text"): "at start",
    ("pool_size", "None"): "at start",
    ("max_overflow", "text"): "at the first checkout",
    ("max_overflow", "None"): "at the first checkout",
    ("pool_recycle", "text"): "at the first checkout",
    ("pool_recycle", "None"): "at the first checkout",
    ("pool_timeout", "text"): "when the pool is exhausted",
}

# engine_from_config turns the text of these into numbers and booleans; it leaves the flags alone.
COERCED_BY_CONFIG = ("pool_size", "max_overflow", "pool_timeout", "pool_recycle", "echo", "echo_pool", "future")
NOT_COERCED_BY_CONFIG = ("pool_pre_ping", "pool_use_lifo")
FALSE_WORDS = frozenset({"false", "no", "off", "0", "n", "f", "none"})

# -- keywords ----------------------------------------------------------------------------------------------------------

_OF_EVERY_ENGINE = frozenset(
    "connect_args creator async_creator convert_unicode echo echo_pool empty_in_strategy enable_from_linting encoding "
    "execution_options future hide_parameters implicit_returning insertmanyvalues_page_size isolation_level "
    "json_deserializer json_serializer label_length listeners logging_name max_identifier_length max_overflow module "
    "paramstyle plugins pool pool_events pool_logging_name pool_pre_ping pool_recycle pool_reset_on_return pool_size "
    "pool_threadlocal pool_timeout pool_use_lifo poolclass query_cache_size reset_on_return_rollback "
    "skip_autocommit_rollback strategy use_insertmanyvalues use_ansi unicode_error case_sensitive url dbapi "
    "compiler_linting server_side_cursors supports_native_boolean dialect "
    "_coerce_config _initialize _is_async _future_engine_class _wrap_do_on_connect".split()
)
_OF_DIALECT: Mapping[str, frozenset[str]] = {
    "postgresql": frozenset(
        "client_encoding executemany_batch_page_size executemany_mode executemany_values_page_size native_inet_types "
        "use_batch_mode use_native_hstore use_native_unicode use_native_uuid hstore_oid".split()
    ),
    "mysql": frozenset("is_mariadb use_setinputsizes supports_unicode_binds default_sql_mode".split()),
    "mariadb": frozenset("is_mariadb use_setinputsizes supports_unicode_binds default_sql_mode".split()),
    "sqlite": frozenset("native_datetime _json_deserializer _json_serializer".split()),
}

# Keywords seen in place of the right one; SQLAlchemy refuses all of them.
MEANT: Mapping[str, str] = {
    "poolsize": "pool_size",
    "pool_max_size": "pool_size",
    "max_pool_size": "pool_size",
    "pool_max_overflow": "max_overflow",
    "overflow": "max_overflow",
    "pre_ping": "pool_pre_ping",
    "pool_preping": "pool_pre_ping",
    "pool_ping": "pool_pre_ping",
    "recycle": "pool_recycle",
    "pool_recycle_time": "pool_recycle",
    "timeout": "pool_timeout",
    "use_lifo": "pool_use_lifo",
    "pool_class": "poolclass",
    "connect_arguments": "connect_args",
    "connection_args": "connect_args",
    "statement_cache_size": 'connect_args={"statement_cache_size": ...}',
    "prepared_statement_cache_size": 'connect_args={"prepared_statement_cache_size": ...}',
    "prepare_threshold": 'connect_args={"prepare_threshold": ...}',
    "server_settings": 'connect_args={"server_settings": ...}',
    "command_timeout": 'connect_args={"command_timeout": ...}',
    "connect_timeout": 'connect_args={"connect_timeout": ...}',
    "sslmode": 'connect_args={"sslmode": ...}',
    "check_same_thread": 'connect_args={"check_same_thread": ...}',
}


def accepts(dialect: str, keyword: str) -> bool | None:
    """Say whether create_engine takes the keyword; None for a dialect that is not SQLAlchemy's own."""
    if dialect not in _OF_DIALECT:
        return None
    return keyword in _OF_EVERY_ENGINE or keyword in _OF_DIALECT[dialect]


# -- dialects and drivers ----------------------------------------------------------------------------------------------

ASYNC_DRIVERS = frozenset({"asyncpg", "aiosqlite", "aiomysql", "asyncmy", "aioodbc"})
SYNC_DRIVERS = frozenset(
    {
        "psycopg2",
        "pg8000",
        "psycopg2cffi",
        "pysqlite",
        "pymysql",
        "mysqldb",
        "mysqlconnector",
        "cymysql",
        "pyodbc",
        "pymssql",
    }
)
# psycopg 3 serves both kinds of engine (and so does oracledb): neither set holds it.

DEFAULT_DRIVERS: Mapping[str, str] = {
    "mysql": "mysqldb",
    "mariadb": "mysqldb",
    "sqlite": "pysqlite",
    "oracle": "cx_oracle",
    "mssql": "pyodbc",
}
# `postgresql://` alone: psycopg2 up to 2.0, psycopg from here on.
PSYCOPG_IS_DEFAULT_SINCE = "2.1"
# A SQLite file: NullPool below, QueuePool from here on; with aiosqlite from the second version on.
SQLITE_FILE_QUEUES_SINCE = "2.0"
AIOSQLITE_FILE_QUEUES_SINCE = "2.0.38"

# -- arguments of the drivers ------------------------------------------------------------------------------------------

_LIBPQ = frozenset(
    "service user password passfile channel_binding connect_timeout dbname host hostaddr port client_encoding options "
    "application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count "
    "tcp_user_timeout sslmode sslnegotiation sslcompression sslcert sslkey sslcertmode sslpassword sslrootcert sslcrl "
    "sslcrldir sslsni requirepeer require_auth min_protocol_version max_protocol_version ssl_min_protocol_version "
    "ssl_max_protocol_version gssencmode krbsrvname gsslib gssdelegation replication target_session_attrs "
    "load_balance_hosts scram_client_key scram_server_key oauth_issuer oauth_client_id oauth_client_secret oauth_scope "
    "sslkeylogfile".split()
)

# What each driver takes in connect_args, SQLAlchemy's own additions included.
DRIVER_ARGUMENTS: Mapping[str, frozenset[str]] = {
    "psycopg2": _LIBPQ | frozenset("dsn connection_factory cursor_factory async async_ database".split()),
    "psycopg": _LIBPQ
    | frozenset(
        "conninfo autocommit prepare_threshold context row_factory cursor_factory async_fallback "
        "async_creator_fn".split()
    ),
    "asyncpg": frozenset(
        "dsn host port user password passfile service servicefile database loop timeout statement_cache_size "
        "max_cached_statement_lifetime max_cacheable_statement_size command_timeout ssl direct_tls connection_class "
        "record_class server_settings target_session_attrs krbsrvname gsslib prepared_statement_cache_size "
        "prepared_statement_name_func async_fallback async_creator_fn".split()
    ),
    "pg8000": frozenset(
        "user host database port password source_address unix_sock ssl_context timeout tcp_keepalive application_name "
        "replication startup_params sock".split()
    ),
    "pymysql": frozenset(
        "user password host database unix_socket port charset collation sql_mode read_default_file conv use_unicode "
        "client_flag cursorclass init_command connect_timeout read_default_group autocommit local_infile "
        "max_allowed_packet defer_connect auth_plugin_map read_timeout write_timeout bind_address binary_prefix "
        "program_name server_public_key ssl ssl_ca ssl_cert ssl_disabled ssl_key ssl_key_password ssl_verify_cert "
        "ssl_verify_identity compress named_pipe passwd db".split()
    ),
    "aiomysql": frozenset(
        "host user password db port unix_socket charset sql_mode read_default_file conv use_unicode client_flag "
        "cursorclass init_command connect_timeout read_default_group autocommit echo local_infile loop ssl auth_plugin "
        "program_name server_public_key async_fallback async_creator_fn".split()
    ),
    "asyncmy": frozenset(
        "user password password_creator host database unix_socket sock port charset sql_mode read_default_file conv "
        "use_unicode client_flag cursor_cls init_command connect_timeout read_default_group autocommit local_infile "
        "max_allowed_packet auth_plugin_map read_timeout binary_prefix program_name server_public_key echo "
        "query_callback ssl stmt_cache_size db async_fallback async_creator_fn".split()
    ),
}
_SQLITE = frozenset(
    "database timeout detect_types isolation_level check_same_thread factory cached_statements uri autocommit".split()
)

# Settings of pools and of other languages' clients that end up in URLs; no PostgreSQL driver takes one of them.
MISPLACED = frozenset(
    "pool_size max_overflow pool_timeout pool_recycle pool_pre_ping poolclass pool_max_conns pgbouncer "
    "connection_limit pool_mode schema useSSL serverTimezone socket_timeout".split()
)

# Names that some driver takes, or that are known to be misplaced. Any other name may be new: it is never judged.
_KNOWN_NAMES = frozenset().union(*DRIVER_ARGUMENTS.values(), _SQLITE, MISPLACED)

# SQLAlchemy itself takes these out of the URL's query before the driver sees them.
_TAKEN_FROM_QUERY: Mapping[str, frozenset[str]] = {
    "": frozenset({"plugin"}),
    "pymysql": frozenset("ssl_ca ssl_capath ssl_cert ssl_cipher ssl_check_hostname ssl_key compress".split()),
    "aiomysql": frozenset("ssl_ca ssl_capath ssl_cert ssl_cipher ssl_check_hostname ssl_key compress".split()),
    "asyncmy": frozenset("ssl_ca ssl_capath ssl_cert ssl_cipher ssl_check_hostname ssl_key compress".split()),
}

# A URL's query holds text. Taken as text here, these end every connection (or every statement) with a TypeError.
BREAKS_AS_TEXT: Mapping[str, frozenset[str]] = {
    "asyncpg": frozenset({"statement_cache_size", "timeout"}),
    "psycopg": frozenset({"prepare_threshold"}),
}

# asyncpg's `ssl` takes the words of libpq's sslmode; `?ssl=false` is refused.
SSL_WORDS = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})

# What to write instead, by driver and name.
INSTEAD: Mapping[tuple[str, str], str] = {
    ("asyncpg", "sslmode"): "asyncpg takes `ssl`",
    ("asyncpg", "connect_timeout"): "asyncpg takes `timeout`",
    ("asyncpg", "application_name"): "asyncpg takes it inside `server_settings`",
    ("asyncpg", "options"): "asyncpg takes `server_settings`",
    ("pg8000", "connect_timeout"): "pg8000 takes `timeout`",
    ("pg8000", "sslmode"): "pg8000 takes `ssl_context`",
    ("psycopg2", "timeout"): "psycopg2 takes `connect_timeout`",
    ("psycopg", "timeout"): "psycopg takes `connect_timeout`",
    ("pymysql", "timeout"): "PyMySQL takes `connect_timeout`",
}


def driver_takes(driver: str, name: str, *, in_query: bool = False) -> bool | None:
    """Say whether the driver takes the name; None when the driver or the name is not in these tables."""
    arguments = DRIVER_ARGUMENTS.get(driver)
    if arguments is None or name not in _KNOWN_NAMES:
        return None
    taken = _TAKEN_FROM_QUERY[""] | _TAKEN_FROM_QUERY.get(driver, frozenset()) if in_query else frozenset()
    return name in arguments or name in taken


# -- Flask-SQLAlchemy --------------------------------------------------------------------------------------------------

FLASK_PREFIX = "SQLALCHEMY_"
FLASK_URI = "SQLALCHEMY_DATABASE_URI"
FLASK_OPTIONS = "SQLALCHEMY_ENGINE_OPTIONS"
FLASK_BINDS = "SQLALCHEMY_BINDS"
FLASK_LITE_ENGINES = "SQLALCHEMY_ENGINES"
FLASK_LITE_ASYNC_ENGINES = "SQLALCHEMY_ASYNC_ENGINES"

# Honoured by 2.x, ignored by 3.x without a word.
FLASK_2_KEYS: Mapping[str, str] = {
    "SQLALCHEMY_POOL_SIZE": "pool_size",
    "SQLALCHEMY_POOL_TIMEOUT": "pool_timeout",
    "SQLALCHEMY_POOL_RECYCLE": "pool_recycle",
    "SQLALCHEMY_MAX_OVERFLOW": "max_overflow",
}
# Read by no version.
FLASK_NEVER_KEYS: Mapping[str, str] = {
    "SQLALCHEMY_POOL_PRE_PING": "pool_pre_ping",
    "SQLALCHEMY_PRE_PING": "pool_pre_ping",
    "SQLALCHEMY_POOL_MAX_OVERFLOW": "max_overflow",
    "SQLALCHEMY_POOL_CLASS": "poolclass",
    "SQLALCHEMY_POOLCLASS": "poolclass",
}
