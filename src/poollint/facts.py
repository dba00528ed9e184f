"""The words every stage shares: values with their origin, and what the readers found.

Everything here is immutable. Readers create facts, `link` joins them into clients, rules judge clients.
Imports point toward this module; it imports nothing of poollint.

A fact that was not read is `Unknown` with a reason, never a bare None.
Seconds are seconds, counts are counts; "no ceiling" is `Known(NO_CEILING, ...)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

NO_CEILING = math.inf
"""The value of a number that nothing caps: it is known, and it is "no ceiling"."""

Certainty = Literal["exact", "default", "fallback", "estimate", "stated"]


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in the project: path relative to the root with `/`, lines and columns from 1, columns in code points."""

    path: str
    line: int
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Why a value is believed.

    says      "maxScale", "--workers", "default of SQLAlchemy 2.0": what a reader looks for at the place
    location  where the value is written; None for defaults and table rows
    url       the source of a table row
    """

    says: str
    location: Location | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A value somebody can check.

    exact     written in the repository, and nothing readable replaces it
    default   a documented or measured default of a library, platform or provider
    fallback  the code's default for a variable that no readable environment settles
    estimate  a reported, derived, seed-only or uncertain figure
    stated    poollint's configuration or --assume

    `start` is what a text begins with whatever replaces the rest: the scheme of "postgresql://${USER:-app}@db/orders".
    """

    value: Any
    origin: Origin
    certainty: Certainty = "exact"
    start: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that cannot be read without running the project.

    reason   one short clause: "set by DATABASE_POOL, which no file gives"
    failure  the exception that making the value ends in: the names of its class and of those above it; () for none known
    maybe    under a key of a dict: a condition that nobody can tell decides whether it is there at all
    """

    reason: str
    origin: Origin = Origin("")
    failure: tuple[str, ...] = field(default=(), kw_only=True)
    maybe: bool = field(default=False, kw_only=True)


Setting = Known | Unknown

NOT_READ = Unknown("not read")


def is_given(setting: Setting | None) -> bool:
    """Say whether an argument is surely there, whatever its value is."""
    return setting is not None and not (isinstance(setting, Unknown) and setting.maybe)


def known(*settings: Setting) -> tuple[Any, ...] | None:
    """Return the values of the settings, or None if one of them is unknown."""
    if all(isinstance(setting, Known) for setting in settings):
        return tuple(setting.value for setting in settings)  # type: ignore[union-attr]
    return None


def value_of(setting: Setting, otherwise: Any = None) -> Any:
    """Return the value of a known setting, else `otherwise`."""
    return setting.value if isinstance(setting, Known) else otherwise


_WEAKER: tuple[Certainty, ...] = ("exact", "stated", "default", "fallback", "estimate")


def weakest(settings: Iterable[Setting]) -> Certainty:
    """Return the certainty of the weakest known setting; a finding is only as sure as that."""
    return max((s.certainty for s in settings if isinstance(s, Known)), key=_WEAKER.index, default="exact")


def is_shaky(settings: Iterable[Setting]) -> bool:
    """Say whether a finding that rests on these values is at most a warning."""
    return weakest(settings) in ("fallback", "estimate")


# -- the environment a process sees ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of one workload.

    variables  name → value (a str when known). A Secret's value is Unknown, with the secret's identity in `secrets`
    complete   True when every source of variables was readable, so that an absent name is really unset
    secrets    name → identity of the secret it comes from, "kind/namespace/name/key"; two equal identities are one value
    elsewhere  name → which way the other workloads of the unit turn a switch that this one leaves out
    """

    variables: Mapping[str, Setting] = field(default_factory=dict)
    complete: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, bool] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((tuple(sorted(self.variables)), self.complete))


NO_ENVIRONMENT = Environment()

# What a variable says that is a switch, in small letters.
SWITCHES = {**dict.fromkeys(("1", "true", "yes", "on"), True), **dict.fromkeys(("0", "false", "no", "off"), False)}


# -- engines -----------------------------------------------------------------------------------------------------------

Factory = Literal[
    "create_engine", "create_async_engine", "engine_from_config", "async_engine_from_config", "flask-sqlalchemy"
]
Place = Literal[
    "module", "function", "cached-function", "class", "request-handler", "task", "lifespan", "fixture", "main-guard"
]
Role = Literal["service", "worker", "library", "script", "migration", "test", "sample"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL points. Never a user name, never a password."""

    dialect: str | None = None  # "postgresql", "mysql", "mariadb", "sqlite", ...
    host: str | None = None  # lower case; a socket directory such as "/cloudsql/p:r:i" is a host too
    port: int | None = None
    database: str | None = None

    def __str__(self) -> str:
        if self.dialect == "sqlite" and self.database in (None, "", ":memory:"):
            return "memory"
        port = f":{self.port}" if self.port else ""
        return f"{self.host or ''}{port}/{self.database or ''}"


# Files, and services whose drivers send each statement as an HTTP request of its own: no connection waits, or dies, idle.
#   awsathena  StartQueryExecution: https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
#   bigquery   jobs.insert, jobs.query: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query
#   trino      POST /v1/statement: https://trino.io/docs/current/develop/client-protocol.html
_WITHOUT_CONNECTIONS = frozenset({"sqlite", "duckdb", "awsathena", "bigquery", "trino"})


@dataclass(frozen=True, slots=True)
class Pool:
    """One way an engine can come out: the settings that hold together on one path through the code.

    pool_class       "QueuePool", "AsyncAdaptedQueuePool", "NullPool", "StaticPool", "SingletonThreadPool", "AssertionPool"
    settings that the code leaves out hold SQLAlchemy's default, with certainty "default"
    arguments        keyword → value for every keyword that reaches the engine call, as written (also unknown keywords)
    connect_args     key → value, a dict inside is Known({key: setting}); `connect_args_complete` is False when a part of
                     it could not be read
    query            the URL's query, key → str
    user             the hash of the user's name in the URL: it tells users apart, and is in no output
    complete         False when a `**` or a settings object that may carry pool arguments could not be read
    identities       what else names the database: "env:DATABASE_URL", "cloudsql:p:r:i", "secret:…"
    excludes         dialects that the branches on the way rule out, when the dialect itself is not known
    pings            Known(True) when an event listener tests the connection at checkout
    callers          for each function on the way that is called differently, the files whose calls make it come out so
    """

    dialect: Setting = NOT_READ
    driver: Setting = NOT_READ
    target: Setting = NOT_READ
    pool_class: Setting = NOT_READ
    pool_size: Setting = NOT_READ
    max_overflow: Setting = NOT_READ
    pool_timeout: Setting = NOT_READ
    pool_recycle: Setting = NOT_READ
    pool_pre_ping: Setting = NOT_READ
    isolation_level: Setting = NOT_READ
    pings: Setting = NOT_READ
    arguments: Mapping[str, Setting] = field(default_factory=dict)
    connect_args: Mapping[str, Setting] = field(default_factory=dict)
    connect_args_complete: bool = True
    query: Mapping[str, Setting] = field(default_factory=dict)
    complete: bool = True
    identities: tuple[str, ...] = ()
    excludes: frozenset[str] = frozenset()
    user: int | None = field(default=None, compare=False, repr=False)
    callers: tuple[frozenset[str], ...] = field(default=(), compare=False, repr=False)

    def __hash__(self) -> int:
        return hash((self.driver, self.pool_class, self.pool_size, self.max_overflow))

    @property
    def is_networked(self) -> bool | None:
        """True for a server database, False for a file, memory or HTTP one, None when the dialect is unknown."""
        dialect = value_of(self.dialect)
        if dialect is None:
            return True if "sqlite" in self.excludes else None
        return dialect not in _WITHOUT_CONNECTIONS


@dataclass(frozen=True, slots=True)
class Use:
    """Something the project does with an engine, or beside it, that a rule cares about.

    before-fork        used (not merely created) by a process that may fork afterwards; `when` says what runs the use:
                       the "import" of its module, an application "factory" or a server's "hook" (both named by `within`),
                       or a Celery "signal" of the main process; `doubt` says why nobody can tell whether it does
    dispose            `dispose()`; dispose-keep-open: `dispose(close=False)`; `says` names the hook it stands in, and
                       `when` is "child" where a server runs that hook in each child
    new-loop           code that starts an event loop per task, call or iteration uses it
    session-state      session-level SET, advisory lock, LISTEN, temporary table
    """

    kind: Literal["before-fork", "dispose", "dispose-keep-open", "new-loop", "session-state"]
    says: str
    location: Location
    when: Literal["import", "factory", "hook", "signal", "child", ""] = ""
    within: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """One place that creates engines.

    qualname, ordinal  the enclosing scope ("<module>", "Database.connect") and the n-th creation in it: stable names
    alternatives       every way it can come out that is not known to be dead; never empty
    is_made            False in an environment that decides against it: `if url.startswith("sqlite")` for a server's URL
    per_call           Known(True) when a new engine is made per request, task or call and neither cached nor disposed
    lasts              Known(False) when no engine made here outlives the call that makes it: nothing grows stale in its pool
    reasons            why place and role are believed, for `facts -v` and messages
    rivals             engines in other branches of the same code: a process makes only one of them
    bind, extension    of a Flask-SQLAlchemy bind: its key, and the call that makes its engine; `location` is the key's
    used_in            the files that use it, where that can be told; else empty
    """

    location: Location
    factory: Factory
    is_async: bool
    place: Place
    role: Role
    alternatives: tuple[Pool, ...]
    is_made: bool = True
    module: str = ""
    qualname: str = "<module>"
    ordinal: int = 0
    per_call: Setting = NOT_READ
    lasts: Setting = NOT_READ
    uses: tuple[Use, ...] = ()
    sqlalchemy: Setting = NOT_READ  # the version, as written: "2.0.36", or Unknown
    reasons: tuple[str, ...] = ()
    dead_settings: tuple[DeadSetting, ...] = ()
    rivals: tuple[Location, ...] = ()
    used_in: tuple[str, ...] = ()
    bind: str = ""
    extension: Location | None = None

    @property
    def code(self) -> str:
        """The file whose code makes the engine: who imports it has the engine."""
        return (self.extension or self.location).path

    @property
    def name(self) -> str:
        """How clients and messages name it: `app/db.py:8`."""
        return str(self.location)

    @property
    def live(self) -> tuple[Pool, ...]:
        """The alternatives that can be live in production: the networked ones if there is one, else all."""
        return tuple(pool for pool in self.alternatives if pool.is_networked is not False) or self.alternatives


@dataclass(frozen=True, slots=True)
class DeadSetting:
    """A pool option that nothing reads, or that does the opposite of what it says.

    place  where it is set, if its value is written elsewhere
    """

    name: str
    value: Setting
    why: str
    fix: str
    place: Location | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """What a project declares of a distribution: pinned ("2.0.36") or a specifier (">=2,<2.1").

    folder    the project folder it speaks for: an included requirements file speaks for the folder that includes it
    required  False in an extra, or in what only developers install: the program may run without it
    for_developers  True in what only developers install
    """

    name: str  # normalised: "sqlalchemy", "psycopg2-binary"
    pinned: str | None
    specifier: str
    location: Location
    folder: str = ""
    required: bool = True
    for_developers: bool = False


# -- deployments -------------------------------------------------------------------------------------------------------

Life = Literal["long-lived", "scale-to-zero", "per-invocation", "one-off"]


@dataclass(frozen=True, slots=True)
class Words:
    """A command as somebody wrote it: words that no shell touches, or a script that one reads.

    `shell` holds text for `sh -c`; else `words`. Each word carries its place through `locations`, if known.
    Where the format itself fills in variables, `parts` says what each word is made of: text as it is written, and what
    variables made of the rest, Known with certainty and place or Unknown; then the word holds only the readable parts
    ("--workers=").
    """

    location: Location
    words: tuple[str, ...] = ()
    shell: str | None = None
    locations: tuple[Location, ...] = ()
    parts: tuple[tuple[str | Setting, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """How an image is made here: context and Dockerfile, relative to the root; `target` is the stage.

    arguments  what is given for the Dockerfile's ARG; builds that differ in nothing else make one image
    """

    context: str
    dockerfile: str | None = None
    target: str | None = None
    arguments: tuple[tuple[str, Setting], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Process:
    """What a command starts: the verdict of the command-line reader.

    server      "gunicorn", "uvicorn", "celery", "python", ... as the user knows it
    processes   processes that hold a pool; units: what runs at once in one of them (NO_CEILING for async)
    entry       what it imports: "app.main:app", a module, or a path of a script; None when not readable
    directory   import root, relative to the project's root
    preloads    imports the application before it forks
    kind        "web", "worker", "task-runner", "script", "migration", "scheduler", "shell"
    beside      "started" when others run at the same time: a supervisord program, `a & b`; "kept" when whatever started it
                starts it again whenever it ends
    reloads     starts again when its source changes, which only a developer's does
    told        the words that a program of the project is given: `python main.py worker`
    """

    server: str
    kind: str
    processes: Setting
    units: Setting
    entry: str | None = None
    directory: str = ""
    preloads: Setting = NOT_READ
    concurrency: Setting = NOT_READ  # a hard limit that the server itself sets on requests in flight (--limit-concurrency)
    request_timeout: Setting = NOT_READ
    location: Location | None = None
    environment: Mapping[str, Setting] = field(default_factory=dict)  # set by the command itself: `env K=V`, ENV, export
    files: tuple[str, ...] = ()  # what was read on the way: Dockerfile, entry-point script, gunicorn.conf.py
    loads: tuple[str, ...] = ()  # what it imports beside its entry, written like that: `dramatiq app.broker app.jobs`
    beside: Literal["", "started", "kept"] = ""
    reloads: bool = False
    told: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash((self.server, self.entry, self.location))


@dataclass(frozen=True, slots=True)
class Workload:
    """One deployable thing of one environment. Readers fill what their format says; `link` fills the rest.

    unit              the deployment unit its names live in: a Compose project's, chart's, kustomization's or manifest folder
    environment       "prod", "staging", ... or None when the file belongs to all
    instances         the most at once; rollout_instances: at the documented peak of a roll-out
    concurrency       requests per instance: value, and `concurrency_is_hard` says whether it limits or merely triggers scaling
    entrypoint/command  as this format overrides the image's (None: the image's own holds); Kubernetes' command is an entrypoint
    build/image       how to find the Dockerfile
    sources           folders (relative to the root) whose code it runs, when the format says so
    processes … entry are filled by `link` from the command line unless the reader or the configuration states them
    instance_connections  Cloud SQL instance names attached to it ("p:r:i"); egress: "vpc", "internet" or None
    services          host name → what answers to it in this unit, for hosts such as `db` (filled for Compose)
    """

    name: str
    platform: str  # "cloud-run", "kubernetes", "compose", "lambda", "ecs", "fly", "heroku", "procfile", "systemd", ...
    kind: str  # "service", "deployment", "job", "cron-job", "function", ...
    location: Location
    unit: str = ""
    environment: str | None = None
    life: Life = "long-lived"
    instances: Setting = NOT_READ
    rollout_instances: Setting = NOT_READ
    rollout_documented: bool = False
    concurrency: Setting = NOT_READ
    concurrency_is_hard: bool = False
    request_timeout: Setting = NOT_READ
    cpus: Setting = NOT_READ
    variables: Environment = NO_ENVIRONMENT
    entrypoint: Words | None = None
    command: Words | None = None
    working_directory: str | None = None
    mounts: tuple[tuple[str, str], ...] = ()  # (path in the container, path relative to the root): `./backend:/app`
    image: str | None = None
    build: Build | None = None
    sources: tuple[str, ...] = ()
    instance_connections: tuple[str, ...] = ()
    egress: str | None = None
    autoscaler: Location | None = None
    run: tuple[Process, ...] = ()  # what its command starts; several for supervisord and `a & b`
    notes: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash((self.name, self.environment, self.location))


@dataclass(frozen=True, slots=True)
class Image:
    """An image built in this repository: `docker build -t name`, skaffold, a workflow's build step."""

    name: str
    build: Build
    location: Location


@dataclass(frozen=True, slots=True)
class Database:
    """A database server. `hosts` are the names that reach it inside `unit`; `identities` those that hold everywhere.

    provider          a name of the provider table, "cloud-sql-postgresql"; None when only the dialect is known
    identities        "cloudsql:p:r:i", "iac:google_sql_database_instance.main", a host name in full
    platform          "compose" for a container of a Compose project, whose network is the project's own
    low_estimate      what its tier comes near to where max_connections is only a ceiling (AWS); filled by `link`
    sure_reserved     the part of `reserved` that is documented or measured; filled by `link`
    """

    name: str
    location: Location | None
    dialect: str | None = None
    provider: str | None = None
    tier: Setting = NOT_READ
    max_connections: Setting = NOT_READ
    reserved: Setting = NOT_READ
    headroom: Setting = NOT_READ
    idle_timeout: Setting = NOT_READ
    version: Setting = NOT_READ
    unit: str = ""
    environment: str | None = None
    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    identities: tuple[str, ...] = ()
    keepalive: Setting = NOT_READ
    platform: str = ""
    low_estimate: Setting = NOT_READ
    sure_reserved: Setting = NOT_READ


@dataclass(frozen=True, slots=True)
class Pooler:
    """A pooler: PgBouncer and its kind, RDS Proxy, Supavisor.

    mode                 "session", "transaction" or "statement"
    prepared_statements  Known(True) when it keeps protocol-level prepared statements apart
    backends             where it forwards: database name ("*" for any) → Target
    listed_parameters    ignore_startup_parameters
    sizes                database name ("*" for any other) → its own pool size, where it has one
    single_users         the databases that every client reaches as one user, so that each has one pool
    max_user_connections for one user over all databases
    """

    name: str
    product: str  # "pgbouncer", "supavisor", "pgcat", "pgdog", "odyssey", "rds-proxy", "pgpool", "proxysql"
    location: Location | None
    version: Setting = NOT_READ
    mode: Setting = NOT_READ
    prepared_statements: Setting = NOT_READ
    max_client_connections: Setting = NOT_READ
    pool_size: Setting = NOT_READ
    reserve_pool_size: Setting = NOT_READ
    max_db_connections: Setting = NOT_READ
    max_user_connections: Setting = NOT_READ
    replicas: Setting = NOT_READ
    client_idle_timeout: Setting = NOT_READ
    listed_parameters: tuple[str, ...] = ()
    backends: Mapping[str, Target] = field(default_factory=dict)
    sizes: Mapping[str, Setting] = field(default_factory=dict)
    single_users: frozenset[str] = frozenset()
    unit: str = ""
    environment: str | None = None
    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    provider: str | None = None
    platform: str = ""

    def __hash__(self) -> int:
        return hash((self.name, self.product, self.location, self.environment))


@dataclass(frozen=True, slots=True)
class Hop:
    """Something between the socket and the server that ends connections.

    seconds    Known(number): after so long
    measures   "idle" or "age"
    effect     "closes" (a ping heals it), "forgets" (packets vanish, a ping hangs too) or "unknown"
    """

    name: str
    seconds: Known
    measures: Literal["idle", "age"] = "idle"
    effect: Literal["closes", "forgets", "unknown"] = "unknown"


# -- the join ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """How many connections one client can open, by section 4 of the contract.

    lowered  with the hard limits; plain: instances × processes × (pool_size + max_overflow)
    factors  the settings of the formula, in its order, with their names ("instances", "processes", "pool_size", ...)
    formula  of the lowered number, "40 instances × 4 processes × (5 + 10)"; plain_formula: of the plain one
    """

    lowered: Setting
    plain: Setting
    factors: tuple[tuple[str, Setting], ...] = ()
    formula: str = ""
    plain_formula: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """One engine as run by one workload, over one path, through at most one pooler, to one database.

    engine    its alternatives are those of this workload's environment
    workload  None when no workload is known to run it; process is the command that does
    one       the bound of one instance, known also where the number of instances is not
    how       one line a reader believes: "entry point app.main imports app.db"
    """

    engine: Engine
    workload: Workload | None = None
    process: Process | None = None
    environment: str | None = None
    database: Database | None = None
    pooler: Pooler | None = None
    hops: tuple[Hop, ...] = ()
    steady: Bound = Bound(NOT_READ, NOT_READ)
    rollout: Bound = Bound(NOT_READ, NOT_READ)
    one: Bound = Bound(NOT_READ, NOT_READ)
    how: str = ""

    @property
    def life(self) -> Life | None:
        """How long its process lives, or None when nothing tells."""
        return self.workload.life if self.workload else None

    @property
    def survives(self) -> bool:
        """True when its process outlives one unit of work, as far as workload, place and role tell."""
        if self.workload:
            return self.workload.life != "one-off"
        return self.engine.role in ("service", "worker")

    @property
    def live(self) -> tuple[Pool, ...]:
        return self.engine.live


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a part of one, that could not be read; part of the verdict."""

    path: str
    reason: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """One input that would decide something: printed at the end of the text, and under `unknowns`.

    needs   the --assume key that states it: "api.instances", "orders.max-connections"
    """

    setting: str
    reason: str
    needs: str
    rules: tuple[str, ...] = ()
    location: Location | None = None
    weight: int = 0  # how much it would decide; larger first


@dataclass(frozen=True, slots=True)
class Project:
    """Everything the rules may look at."""

    engines: tuple[Engine, ...] = ()
    workloads: tuple[Workload, ...] = ()
    databases: tuple[Database, ...] = ()
    poolers: tuple[Pooler, ...] = ()
    clients: tuple[Client, ...] = ()
    versions: tuple[Version, ...] = ()
    missing: tuple[Missing, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    dead_settings: tuple[DeadSetting, ...] = ()  # engine options that belong to no engine
    files: int = 0

    def clients_of(self, engine: Engine) -> tuple[Client, ...]:
        return tuple(client for client in self.clients if client.engine.location == engine.location)


# -- findings ----------------------------------------------------------------------------------------------------------

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def milder(severity: Severity, than: Severity = "warning") -> Severity:
    """Return `severity`, but at most `than`."""
    return max(severity, than, key=SEVERITIES.index)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value a finding rests on, in the order of the formula: `name` is the factor, `setting` the value with its origin."""

    name: str
    setting: Setting


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text from (line, column) up to (end_line, end_column) of `path` by `text`."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    safe: bool
    summary: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgment.

    message  one sentence with the numbers, no full stop; help: one sentence with the change that fits
    details  further sentences for the text report ("The guides' product … is 16,000.")
    about    what the fingerprint hashes besides the rule: database and environment for arithmetic, else the engine's
             path, qualname and ordinal. Never lines, numbers or secrets.
    total    the number of an arithmetic finding, for baselines
    """

    severity: Severity
    message: str
    help: str
    location: Location
    rule: str = ""  # the rule's file name; the pipeline fills it in
    evidence: tuple[Evidence, ...] = ()
    details: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    database: str | None = None
    about: tuple[str, ...] = ()
    total: int | None = None
    fix: Fix | None = None
    suppressed: bool = False
    reason: str = ""  # of the suppression


def about_engine(engine: Engine) -> tuple[str, ...]:
    """Return what names an engine in a fingerprint: stable against edits elsewhere in the file."""
    return (engine.location.path, engine.qualname, str(engine.ordinal))
