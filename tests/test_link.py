"""Which engine runs where, and which database it talks to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from linking import (
    compose_database,
    database,
    default,
    engine,
    joined,
    number,
    on,
    pool,
    variables,
    web,
    workload,
)
from poollint import pipeline
from poollint.budget import budgets
from poollint.config import Configuration, StatedDatabase, StatedPooler, StatedService
from poollint.facts import (
    NOT_READ,
    Build,
    Client,
    Database,
    Engine,
    Image,
    Known,
    Location,
    Origin,
    Pooler,
    Process,
    Project,
    Setting,
    Target,
    Unknown,
    Workload,
    value_of,
)
from poollint.link.builds import is_own

URL = "env:DATABASE_URL"
SITE = engine("app/db.py:8", pool(target=on("db")))


def names(project: Project) -> list[tuple[str | None, str | None]]:
    """The (workload, database) of every client."""
    return [(c.workload.name if c.workload else None, c.database.name if c.database else None) for c in project.clients]


def only(project: Project) -> Client:
    (client,) = project.clients
    return client


class TestWhichEngineRunsWhere:
    def test_the_entry_point_that_imports_it(self) -> None:
        client = only(joined([workload("api", 40, web(4))]))
        assert client.workload and client.workload.name == "api"
        assert client.how.startswith("entry point imports app/db.py")
        assert client.steady.formula == "40 instances × 4 processes × (5 + 10)"
        assert client.steady.lowered == Known(2400, client.steady.lowered.origin, "default")

    def test_four_engine_sites_of_which_one_is_reachable_count_once(self) -> None:
        sites = [engine(f"meeting/{name}.py:5", pool(target=on("db.example.org"))) for name in ("a", "b", "c", "d")]
        project = joined([workload("meeting", 2)], *sites, imports={"app.main:app": ["meeting/b.py"]})
        counted = [client for client in project.clients if client.database]
        assert [client.engine.name for client in counted] == ["meeting/b.py:5"]
        assert {client.engine.name for client in project.clients} == {f"meeting/{n}.py:5" for n in "abcd"}

    def test_an_unreached_engine_stays_possible_while_a_workload_is_unaccounted_for(self) -> None:
        sites = [engine(f"app/{name}.py:5", pool(target=on("db.example.org"))) for name in ("a", "b")]
        unreadable = workload("worker", 2, web(entry=None))
        project = joined([workload("api", 2), unreadable], *sites, imports={"app.main:app": ["app/a.py"]})
        assert (None, "orders") in names(project)

    def test_one_engine_with_two_workloads_is_two_clients(self) -> None:
        worker = workload("worker", 3, replace(web(8, "app.tasks"), kind="worker", server="celery"))
        assert sorted(w for w, _ in names(joined([workload("api"), worker])) if w) == ["api", "worker"]

    def test_the_configuration_states_it(self) -> None:
        stated = Configuration(services={"api": StatedService("api", code=("services/api/**",))})
        sites = engine("services/api/db.py:3"), engine("services/other/db.py:3")
        project = joined([workload("api", 1, web(entry=None))], *sites, configuration=stated)
        client = next(client for client in project.clients if client.workload)
        assert client.engine.name == "services/api/db.py:3"
        assert client.how.startswith("the configuration states the code of api")

    def test_the_only_engine_below_the_build_context(self) -> None:
        api = workload("api", 1, web(entry=None), build=Build("services/api"))
        project = joined([api], engine("services/api/db.py:3"), engine("services/other/db.py:3"))
        client = next(client for client in project.clients if client.workload)
        assert client.engine.name == "services/api/db.py:3"
        assert "the only engine in what api is built from" in client.how

    def test_two_engines_below_the_build_context_are_not_guessed_at(self) -> None:
        api = workload("api", 1, web(entry=None), build=Build("api"))
        project = joined([api], engine("api/a.py:3"), engine("api/b.py:3"))
        assert all(client.workload is None for client in project.clients)

    def test_the_only_engine_there_is(self) -> None:
        client = only(joined([workload("api", 1, web(entry=None))]))
        assert client.workload and "the only engine there is" in client.how

    @pytest.mark.parametrize(
        ("entry", "given", "linked"),
        [
            (None, {}, []),
            ("index:handler", {}, []),  # of Node.js, say
            (None, {"DATABASE_URL": "postgresql://db/x"}, ["resize"]),
            ("app.main:app", {}, ["resize"]),
        ],
    )
    def test_a_function_whose_code_is_not_here_is_not_taken_for_the_only_engines(
        self, entry: str | None, given: dict[str, str], linked: list[str]
    ) -> None:
        function = replace(web(1, entry=entry), server="lambda")
        resize = workload("resize", 1, function, platform="lambda", kind="function", variables=variables(**given))
        project = joined([resize], imports={"app.main:app": ["app/db.py"]})
        assert [w for w, _ in names(project) if w] == linked

    def test_a_bind_belongs_to_the_application_that_sets_it(self) -> None:
        """Both applications import the extension; only one of them imports the settings with the bind."""
        bind = replace(SITE, location=Location("agent/config.py", 4), extension=SITE.location, bind="agent")
        services = [workload(name, 1, web(entry=f"{name}:app")) for name in ("agent", "api")]
        imports = {"agent:app": ["app/db.py", "agent/config.py"], "api:app": ["app/db.py"]}
        assert {w for w, _ in names(joined(services, bind, imports=imports))} == {"agent"}
        by_text = {"agent:app": ["app/db.py"], "api:app": ["app/db.py"]}  # from_object("agent.config")
        assert {w for w, _ in names(joined(services, bind, imports=by_text))} == {"agent", "api"}

    @pytest.mark.parametrize(("beside", "clients"), [("", 1), ("kept", 2)])
    def test_scripts_that_run_one_after_the_other_hold_one_pool_at_a_time(self, beside: str, clients: int) -> None:
        steps = [Process("python", "script", number(1, "python"), NOT_READ, entry=entry, beside=beside) for entry in ("a", "b")]  # type: ignore[arg-type]
        project = joined([workload("load", 1, *steps)])
        assert len(project.clients) == clients

    @pytest.mark.parametrize(("entry", "linked"), [("smtpd", None), ("piptools", None), ("shop.main", "api"), ("site.py", "api")])
    def test_a_module_of_python_itself_runs_nothing_of_the_project(self, entry: str, linked: str | None) -> None:
        api = workload("api", 1, replace(web(1, entry=entry), server="python"))
        client = only(joined([api], imports={}))
        assert (client.workload.name if client.workload else None) == linked

    @pytest.mark.parametrize(
        ("entry", "image", "build", "linked"),
        [
            ("run_gunicorn.py", "quay.io/cloud/inventory:latest", None, None),
            ("app/main.py", "acme/embeddings:main", None, None),
            (None, "acme/shop:main", None, "api"),
            ("main:app", "python:3.13", None, "api"),
            ("main:app", "acme/shop:main", Build("."), "api"),
            ("main:app", "europe-docker.pkg.dev/us/shop/web:1", None, "api"),
        ],
    )
    def test_a_published_image_whose_program_is_not_here_runs_nothing_of_the_project(self, entry, image, build, linked) -> None:
        api = replace(workload("api", 1, replace(web(1, entry=entry), server="python")), image=image, build=build)
        client = only(joined([api], imports={}))
        assert (client.workload.name if client.workload else None) == linked

    def test_without_a_command_the_variable_tells_that_only_one_engine_reads(self) -> None:
        api = replace(workload("api", variables=variables(DATABASE_URL="postgresql://db/x")), run=())
        nginx = replace(workload("proxy"), run=())
        project = _unread(api, nginx)
        assert [w for w, _ in names(project)] == ["api"]
        assert "sets DATABASE_URL, which only this engine reads" in only(project).how

    @pytest.mark.parametrize(
        ("image", "runs"),
        [
            ("langfuse/langfuse:3", ["api"]),  # another's product, with a database of its own
            ("europe-docker.pkg.dev/us/orders/web:1", ["api", "console"]),
            (None, ["api", "console"]),
        ],
    )
    def test_a_published_image_beside_the_projects_own_service_does_not_run_its_code(
        self, image: str | None, runs: list[str]
    ) -> None:
        given = variables(DATABASE_URL="postgresql://db/x")
        api = replace(workload("api", variables=given, build=Build(".")), run=())
        console = replace(workload("console", variables=given, image=image), run=())
        assert [name for name, _ in names(_unread(api, console))] == runs

    def test_a_variable_with_a_name_of_the_projects_own_tells_its_images(self) -> None:
        site = engine("app/db.py:8", pool(identities=("env:SHOP_DATABASE_URL",)))
        given = variables(SHOP_DATABASE_URL="postgresql://db/x")
        api = replace(workload("api", variables=given, build=Build(".")), run=())
        console = replace(workload("console", variables=given, image="acme/shop:3"), run=())
        assert [name for name, _ in names(_unread(api, console, engines=(site,)))] == ["api", "console"]

    def test_a_published_image_is_all_there_is(self) -> None:
        given = variables(DATABASE_URL="postgresql://db/x")
        api = replace(workload("api", variables=given, image="acme/orders:3"), run=())
        assert [name for name, _ in names(_unread(api))] == ["api"]

    def test_files_for_development_alone_leave_production_open(self) -> None:
        project = joined([workload("api", 2, environment="dev"), workload("api", 2, environment="ci", unit="ci")])
        assert sorted((c.workload.name if c.workload else "", c.environment or "") for c in project.clients) == [
            ("", ""),
            ("api", "ci"),
            ("api", "dev"),
        ]

    def test_an_unmarked_workload_is_production(self) -> None:
        project = joined([workload("api", 2, environment="dev"), workload("api", 2)])
        assert all(client.workload for client in project.clients)

    def test_what_productions_environment_decides_against_is_run_by_nothing(self) -> None:
        local, served = engine("app/db.py:8"), engine("app/db.py:10")
        decided = {"DATABASE_URL": replace(local, is_made=False)}
        live = workload("api", 2, variables=variables(DATABASE_URL="postgresql://db/x"))
        project = joined([live], local, served, per_variable=decided)
        assert [client.engine.name for client in project.clients] == ["app/db.py:10"]
        project = joined([live, workload("other", 1)], local, served, per_variable=decided)
        assert [(c.workload.name, c.engine.name) for c in project.clients if c.workload] == [
            ("api", "app/db.py:10"),
            ("other", "app/db.py:8"),
            ("other", "app/db.py:10"),
        ]

    def test_what_development_decides_against_may_be_made_in_production(self) -> None:
        local, served = engine("app/db.py:8"), engine("app/db.py:10")
        decided = {"DATABASE_URL": replace(served, is_made=False)}
        test = workload("api", 2, variables=variables(DATABASE_URL="sqlite://"), environment="dev")
        project = joined([test], local, served, per_variable=decided)
        assert ("app/db.py:10", None) in [(client.engine.name, client.workload) for client in project.clients]

    def test_tests_and_samples_are_run_by_nothing(self) -> None:
        project = joined([workload("api")], engine("tests/db.py:3", role="test"))
        assert only(project).workload is None

    def test_a_migration_before_the_server_ends_before_it_starts(self) -> None:
        step = Process("alembic", "migration", number(1, "alembic"), number(1, "alembic"), entry="env")
        project = joined([workload("api", 2, step, web(4))])
        assert [client.process.kind for client in project.clients if client.process] == ["web"]

    @pytest.mark.parametrize("role", ["migration", "script"])
    def test_a_server_that_imports_migrations_does_not_run_them(self, role: str) -> None:
        project = joined([workload("api", 2)], engine(), engine("app/upgrade.py:3", role=role))
        assert [client.engine.name for client in project.clients if client.workload] == ["app/db.py:8"]

    def test_of_several_engines_in_one_file_those_count_that_something_reached_uses(self) -> None:
        reader = engine("app/db.py:20", used_in=("app/reports.py",))
        tasks = engine("app/db.py:30", role="worker", used_in=("app/tasks.py",))
        imports = {"app.main:app": ["app/db.py", "app/tasks.py"]}
        project = joined([workload("api", 2)], engine(), reader, tasks, imports=imports)
        assert [client.engine.name for client in project.clients if client.workload] == ["app/db.py:8"]
        worker = workload("worker", 2, replace(web(8, "app.main:app"), kind="worker", server="celery"))
        project = joined([worker], engine(), reader, tasks, imports=imports)
        assert [client.engine.name for client in project.clients if client.workload] == ["app/db.py:8", "app/db.py:30"]

    def test_what_a_worker_loads_beside_its_entry_is_reached_too(self) -> None:
        imports = {"app.broker:broker": ["app/broker.py"], "app.jobs": ["app/jobs.py", "app/db.py"]}
        worker = replace(web(2, "app.broker:broker"), kind="worker", server="taskiq")
        assert only(joined([workload("worker", 1, worker)], engine(), imports=imports)).workload is None
        worker = replace(worker, loads=("app.jobs", "app.gone"))
        assert only(joined([workload("worker", 1, worker)], engine(), imports=imports)).workload is not None

    def test_a_job_that_migrates_does(self) -> None:
        run = Process("alembic", "migration", number(1, "alembic"), number(1, "alembic"), entry="env")
        job = workload("migrate", 1, run, life="one-off", kind="job")
        project = joined(
            [job], engine("migrations/env.py:3", pool(pool_class=number("NullPool", "poolclass")), role="migration")
        )
        assert only(project).steady.lowered.value == 1

    def test_a_web_server_that_imports_the_tasks_does_not_run_them(self) -> None:
        tasks = engine("app/tasks.py:3", role="worker")
        tasks = replace(tasks, place="task")
        assert [client.workload for client in joined([workload("api", 2)], tasks).clients] == [None]

    def test_values_are_those_of_the_workloads_environment(self) -> None:
        large = engine("app/db.py:8", pool(number(20, "DB_POOL_SIZE", "deploy/api.yaml:12"), identities=(URL,)))
        api = workload("api", 2, web(), variables=variables(DB_POOL_SIZE="20"))
        client = only(joined([api], engine(), per_variable={"DB_POOL_SIZE": large}))
        assert client.steady.lowered.value == 60
        assert client.steady.factors[2][1].origin.location == Location("deploy/api.yaml", 12)


def _unread(*workloads: Workload, engines: tuple[Engine, ...] = ()) -> Project:
    """Link workloads whose command nobody could read."""
    import poollint.commands as commands

    original = commands.processes
    commands.processes = lambda workload, tree, images: ()  # type: ignore[assignment]
    try:
        return joined(workloads, *engines)
    finally:
        commands.processes = original


class TestScriptsThatAreKeptRunning:
    SITE = engine("app/feed.py:8", pool(target=on("db")), role="script")

    def role(self, *run: Process, kind: str = "deployment", starting: tuple[str, ...] = ("run.py",), at: str | None = None) -> str:
        feed = workload("feed", 1, *run, platform="kubernetes", kind=kind, environment=at)
        project = joined([feed], self.SITE, starting=starting)
        assert {client.engine.location for client in project.clients} == {self.SITE.location}
        return project.engines[0].role

    def script(self, entry: str = "run.py") -> Process:
        return Process("python", "script", number(1, "python"), NOT_READ, entry=entry)

    @pytest.mark.parametrize(
        ("kind", "role"), [("deployment", "worker"), ("stateful-set", "worker"), ("job", "script"), ("cron-job", "script")]
    )
    def test_what_a_deployment_starts_again_is_a_worker(self, kind: str, role: str) -> None:
        assert self.role(self.script(), kind=kind) == role

    def test_so_is_what_is_packed_for_others_as_well(self) -> None:
        feed = workload("feed", 1, self.script(), platform="kubernetes", kind="deployment")
        packed = engine("app/feed.py:8", pool(target=on("db")), role="library")
        assert joined([feed], packed, starting=("run.py",)).engines[0].role == "worker"
        assert joined([feed], packed).engines[0].role == "library"

    def test_an_engine_that_another_program_makes_stays_a_scripts(self) -> None:
        assert self.role(self.script(), starting=()) == "script"

    def test_a_script_before_another_ends_before_it(self) -> None:
        assert self.role(self.script(), self.script("serve.py")) == "script"
        assert self.role(self.script("first.py"), self.script()) == "worker"

    def test_a_deployment_of_tests_keeps_nothing_running(self) -> None:
        assert self.role(self.script(), at="test") == "script"


class TestWhatIsStated:
    def test_numbers_replace_those_of_the_manifest(self) -> None:
        said = StatedService(
            "api", instances=number(20, "instances", "poollint.toml:3", "stated"), processes=number(2, "processes")
        )
        client = only(joined([workload("api", 40, web(4))], configuration=Configuration(services={"api": said})))
        assert client.steady.formula == "20 instances × 2 processes × (5 + 10)"
        assert client.steady.factors[0][1].certainty == "stated"

    def test_the_database_of_a_service_and_its_manifests(self) -> None:
        said = StatedService("shop", manifests=("deploy/*.yaml",), databases=("orders",))
        orders = StatedDatabase("orders", max_connections=number(80, "max-connections"))
        client = only(
            joined([workload()], configuration=Configuration(services={"shop": said}, databases={"orders": orders}))
        )
        assert client.database and (client.database.name, client.database.max_connections.value) == ("orders", 80)

    def test_a_stated_tier_replaces_the_limit_of_a_file(self) -> None:
        orders = StatedDatabase(
            "db", provider="cloud-sql-postgresql", tier=number("db-custom-4-16384", "tier", certainty="stated")
        )
        site = engine("app/db.py:8", pool(target=on("db")))
        configuration = Configuration(databases={"db": orders})
        client = only(joined([workload(), compose_database("deploy")], site, configuration=configuration))
        assert client.database and client.database.max_connections.value == 500

    def test_an_assumption_needs_no_configured_service(self) -> None:
        assumed = Configuration(assume={"api.instances": number(7, "--assume api.instances", None, "stated")})
        client = only(joined([workload("api", Unknown("no file says how many"))], configuration=assumed))
        assert client.steady.lowered.value == 105

    def test_a_service_that_no_file_describes_is_a_workload(self) -> None:
        assumed = Configuration(
            assume={"api.instances": number(3, "instances"), "api.processes": number(4, "processes")}
        )
        client = only(joined([], configuration=assumed))
        assert client.workload and client.workload.platform == "stated"
        assert client.steady.lowered.value == 180

    def test_a_database_is_stated_by_the_variable_that_names_it(self) -> None:
        orders = StatedDatabase("orders", max_connections=number(200, "max-connections"), match=("DATABASE_URL",))
        client = only(joined([workload()], configuration=Configuration(databases={"orders": orders})))
        assert client.database and (client.database.name, client.database.max_connections.value) == ("orders", 200)

    def test_a_stated_maximum_keeps_the_servers_own_reserve(self) -> None:
        orders = StatedDatabase("orders", max_connections=number(200, "max-connections"), match=("*.internal",))
        site = engine("app/db.py:8", pool(target=on("a.internal")))
        client = only(joined([workload()], site, configuration=Configuration(databases={"orders": orders})))
        assert client.database and client.database.reserved.value == 3

    def test_an_environment_has_numbers_of_its_own(self) -> None:
        staging = StatedDatabase("orders", max_connections=number(50, "staging"))
        orders = StatedDatabase(
            "orders", max_connections=number(500, "prod"), match=("DATABASE_URL",), environments={"staging": staging}
        )
        both = [workload("api", environment="prod"), workload("api", environment="staging")]
        project = joined(both, configuration=Configuration(databases={"orders": orders}))
        assert {(c.environment, c.database.max_connections.value) for c in project.clients if c.database} == {
            ("prod", 500),
            ("staging", 50),
        }

    def test_a_stated_pooler_stands_before_its_database(self) -> None:
        orders = StatedDatabase(
            "orders", match=("DATABASE_URL",), pooler=StatedPooler("pgbouncer", number("transaction", "mode"))
        )
        client = only(joined([workload()], configuration=Configuration(databases={"orders": orders})))
        assert client.pooler and (client.pooler.product, client.pooler.mode.value) == ("pgbouncer", "transaction")


class TestWhichDatabase:
    def test_two_services_with_the_same_variable_and_nothing_else_are_two_databases(self) -> None:
        sites = engine("a/db.py:3"), engine("b/db.py:3")
        both = [
            workload("a", 1, web(entry="a"), unit="services/a"),
            workload("b", 1, web(entry="b"), unit="services/b"),
        ]
        project = joined(both, *sites, imports={"a": ["a/db.py"], "b": ["b/db.py"]})
        databases = [database for _, database in names(project)]
        assert len(set(databases)) == 2

    def test_inside_one_unit_the_same_variable_is_one_database(self) -> None:
        project = joined([workload("api"), workload("worker")])
        assert {database for _, database in names(project)} == {"DATABASE_URL"}

    def test_the_same_secret_is_the_same_database_in_every_unit(self) -> None:
        secret = variables({"DATABASE_URL": "secret-manager/p/orders-url/latest"})
        both = [workload("a", unit="a", variables=secret), workload("b", unit="b", variables=secret)]
        assert len({database for _, database in names(joined(both))}) == 1

    def test_the_same_host_port_and_name(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db.example.org", 5432)))
        both = [workload("a", unit="a"), workload("b", unit="b")]
        assert {database for _, database in names(joined(both, site))} == {"orders"}

    def test_another_name_on_a_host_that_nothing_defines_is_another_database(self) -> None:
        first = engine("app/a.py:8", pool(target=on("db.example.org", name="orders")))
        second = engine("app/b.py:8", pool(target=on("db.example.org", name="users")))
        assert {database for _, database in names(joined([workload()], first, second))} == {"orders", "users"}

    def test_a_compose_service_answers_inside_its_own_project_only(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db")))
        both = [workload("a", unit="a"), workload("b", unit="b")]
        project = joined([*both, compose_database("a"), compose_database("b", 50)], site)
        limits = {client.workload.name: client.database.max_connections.value for client in project.clients}
        assert limits == {"a": 100, "b": 50}
        assert {database for _, database in names(project)} == {"a/db", "b/db"}

    @pytest.mark.parametrize(
        ("kind", "beside", "counted"),
        [
            ("script", "kept", ["uvicorn", "python"]),
            ("script", "started", ["uvicorn"]),  # nothing shows that it stays
            ("script", "", ["uvicorn"]),  # it ends before the server starts
            ("migration", "started", ["uvicorn"]),
        ],
    )
    def test_a_script_beside_the_server_counts_where_it_stays(self, kind: str, beside: str, counted: list[str]) -> None:
        one = number(1, "python")
        script = Process("python", kind, one, NOT_READ, entry="app.feed", beside=beside)  # type: ignore[arg-type]
        project = joined([workload("api", 1, web(), script)])
        assert [client.process.server for client in project.clients if client.process] == counted

    def overlays(self, staging: str) -> Project:
        """`api` in prod and a workload in staging run one engine, whose host is another one in staging."""
        hosts = {at: engine("app/db.py:8", pool(target=on(f"db.{at}.example.org"))) for at in ("prod", "staging")}
        services = [
            workload(
                name,
                environment=at,
                unit=f"deploy/overlays/{at}",
                location=Location(f"deploy/overlays/{at}/{name}.yaml", 1),
                variables=variables(**{at.upper(): "1"}),
            )
            for at, name in (("prod", "api"), ("staging", staging))
        ]
        return joined(services, hosts["prod"], per_variable={"STAGING": hosts["staging"]})

    def test_one_database_of_two_overlays_has_one_name(self) -> None:
        project = self.overlays("api")
        assert names(project) == [("api", "orders"), ("api", "orders")]
        assert {(d.name, d.environment) for d in project.databases} == {("orders", "prod"), ("orders", "staging")}

    def test_databases_of_two_workloads_in_two_overlays_are_two(self) -> None:
        assert names(self.overlays("web")) == [
            ("api", "deploy/overlays/prod/orders"),
            ("web", "deploy/overlays/staging/orders"),
        ]

    def test_a_socket_names_the_instance(self) -> None:
        site = engine("app/db.py:8", pool(target=on("/cloudsql/p:r:orders-db")))
        fact = database("main", identities=("cloudsql:p:r:orders-db",), provider="cloud-sql-postgresql")
        client = only(joined([workload(), fact], site))
        assert client.database and client.database.name == "main"
        assert "socket /cloudsql/p:r:orders-db" in client.how

    def test_the_only_attached_instance_is_the_one(self) -> None:
        client = only(joined([workload(instance_connections=("p:r:orders-db",))]))
        assert client.database and (client.database.name, client.database.provider) == (
            "orders-db",
            "cloud-sql-postgresql",
        )

    def test_two_attached_instances_tell_nothing(self) -> None:
        client = only(joined([workload(instance_connections=("p:r:a", "p:r:b"))]))
        assert client.database and client.database.name == "DATABASE_URL"

    def test_a_host_taken_from_a_resource(self) -> None:
        site = engine("app/db.py:8", pool(target=on("${google_sql_database_instance.main.private_ip_address}")))
        fact = database("main", identities=("iac:google_sql_database_instance.main",))
        client = only(joined([workload(), fact], site))
        assert client.database and client.database.max_connections.value == 500
        assert "google_sql_database_instance.main" in client.how

    def test_localhost_names_no_server(self) -> None:
        site = engine("app/db.py:8", pool(target=on("localhost")))
        both = [workload("a", unit="a"), workload("b", unit="b")]
        assert {database for _, database in names(joined(both, site))} == {"a/orders", "b/orders"}

    def test_a_default_of_the_code_is_not_a_shared_server(self) -> None:
        fallback = pool(target=on("db.example.org"), identities=(URL,))
        fallback = replace(fallback, target=replace(fallback.target, certainty="fallback"))
        both = [workload("a", unit="a"), workload("b", unit="b")]
        assert len({database for _, database in names(joined(both, engine("app/db.py:8", fallback)))}) == 2

    def test_alternatives_that_point_elsewhere_are_not_decided(self) -> None:
        site = engine("app/db.py:8", pool(target=on("a.example.org")), pool(target=on("b.example.org")))
        client = only(joined([workload()], site))
        assert client.database is None
        assert "different databases" in client.how

    def test_alternatives_that_differ_in_the_name_alone_are_on_the_server_that_is_defined_here(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db", name="orders")), pool(target=on("db", name="archive")))
        api = workload("api", unit="a")
        assert only(joined([api, compose_database("a")], site)).database.max_connections.value == 100
        assert "different databases" in only(joined([api], site)).how  # elsewhere the name is part of what it is

    def test_a_sqlite_engine_has_no_budget(self) -> None:
        site = engine("app/db.py:8", pool(dialect=number("sqlite", "sqlite")))
        assert only(joined([workload()], site)).database is None


def bouncer(**fields: object) -> Pooler:
    made = Pooler(
        name="pgbouncer",
        product="pgbouncer",
        location=Location("docker-compose.yml", 9),
        mode=number("transaction", "POOL_MODE", "docker-compose.yml:12"),
        backends={"*": Target("postgresql", "db", 5432)},
        hosts=("pgbouncer",),
        ports=(6432,),
        unit="deploy",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


class TestPoolersInTheSamePod:
    """Nothing else runs there that it could be for."""

    SIDECAR = bouncer(name="api/pgbouncer", hosts=("localhost", "127.0.0.1"))
    SECRET = engine("app/db.py:8", pool(identities=(URL,)))

    def poolers(self, *engines: Engine, sidecar: Pooler = SIDECAR, **changes: Any) -> list[str | None]:
        api = replace(workload("api"), **changes)
        clients = joined([api, sidecar, compose_database("deploy")], *engines).clients
        return [client.pooler.name if client.pooler else None for client in clients]

    def test_are_between_an_unknown_url_and_its_server(self) -> None:
        assert self.poolers(self.SECRET) == ["api/pgbouncer"]

    def test_are_passed_by_a_url_that_says_so(self) -> None:
        assert self.poolers(engine("app/db.py:8", pool(target=on("db.example.org")))) == [None]

    def test_may_be_passed_by_one_of_two_engines(self) -> None:
        other = engine("app/direct.py:3", pool(identities=("env:DIRECT_URL",)))
        assert self.poolers(self.SECRET, other) == [None, None]

    def test_are_not_those_of_another_pod(self) -> None:
        assert self.poolers(self.SECRET, name="worker") == [None]
        assert self.poolers(self.SECRET, environment="staging") == [None]

    def test_speak_one_protocol(self) -> None:
        mysql = pool(identities=(URL,), dialect=number("mysql", "mysql"))
        assert self.poolers(engine("app/db.py:8", mysql)) == [None]
        assert self.poolers(engine("app/db.py:8", mysql), sidecar=replace(self.SIDECAR, product="proxysql")) == [
            "api/pgbouncer"
        ]


class TestPoolers:
    def test_a_pooler_leads_to_the_database_behind_it(self) -> None:
        site = engine("app/db.py:8", pool(target=on("pgbouncer", 6432)))
        client = only(joined([workload(), bouncer(), compose_database("deploy")], site))
        assert client.pooler and client.pooler.name == "pgbouncer"
        assert client.database and client.database.name == "db"

    def test_its_only_server_needs_no_database_name(self) -> None:
        site = engine("app/db.py:8", pool(target=on("pgbouncer", 6432, None)))
        one = bouncer(backends={"shop": Target("postgresql", "db", 5432)})
        client = only(joined([workload(), one, compose_database("deploy")], site))
        assert client.database and client.database.name == "db"

    def test_of_several_servers_an_unread_database_name_names_none(self) -> None:
        site = engine("app/db.py:8", pool(target=on("pgbouncer", 6432, None)))
        two = bouncer(backends={"shop": Target("postgresql", "db", 5432), "old": Target("postgresql", "other", 5432)})
        client = only(joined([workload(), two, compose_database("deploy")], site))
        assert client.database and client.database.location is None

    def test_port_6432_of_a_plain_postgres_is_no_pooler(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db", 6432)))
        client = only(joined([workload(), compose_database("deploy", ports=(6432,))], site))
        assert client.pooler is None
        assert client.database and client.database.name == "db"

    def test_an_orphaned_pooler_changes_nothing(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db")))
        client = only(joined([workload(), bouncer(hosts=()), compose_database("deploy")], site))
        assert client.pooler is None

    def test_a_host_label_with_its_name_is_certain_but_says_no_mode_and_no_limit(self) -> None:
        site = engine("app/db.py:8", pool(target=on("orders-pgbouncer.internal.example.org")))
        client = only(joined([workload()], site))
        assert client.pooler and client.pooler.product == "pgbouncer"
        assert isinstance(client.pooler.mode, Unknown)
        assert isinstance(client.pooler.max_client_connections, Unknown)

    def test_a_pooler_that_a_provider_runs_has_the_providers_limit(self) -> None:
        site = engine("app/db.py:8", pool(target=on("ep-x-pooler.eu.aws.neon.tech")))
        client = only(joined([workload()], site))
        assert client.pooler and client.pooler.max_client_connections.value == 10_000

    @pytest.mark.parametrize("host", ["db-6432.example.org", "poolers.example.org", "bouncer.example.org"])
    def test_other_hosts_are_no_poolers(self, host: str) -> None:
        client = only(joined([workload()], engine("app/db.py:8", pool(target=on(host, 6432)))))
        assert client.pooler is None

    def test_a_pooler_defined_here_that_says_no_mode_is_in_session_mode(self) -> None:
        site = engine("app/db.py:8", pool(target=on("pgbouncer", 6432)))
        client = only(joined([workload(), bouncer(mode=Unknown("not set")), compose_database("deploy")], site))
        assert client.pooler and client.pooler.mode.value == "session"


class TestHops:
    def test_cloud_run_to_a_network_forgets_after_ten_minutes(self) -> None:
        site = engine("app/db.py:8", pool(target=on("10.0.0.5")))
        client = only(joined([workload(egress="vpc")], site))
        assert [hop.seconds.value for hop in client.hops] == [600]

    def test_cloud_run_to_the_internet_after_twenty(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db.example.org")))
        assert [hop.seconds.value for hop in only(joined([workload()], site)).hops] == [1200]

    def test_a_socket_belongs_to_the_platforms_proxy(self) -> None:
        site = engine("app/db.py:8", pool(target=on("/cloudsql/p:r:i")))
        assert only(joined([workload(egress="vpc")], site)).hops == ()

    def test_a_sidecar_on_the_loopback_is_the_instance_attached_to_it(self) -> None:
        site = engine("app/db.py:8", pool(target=on("127.0.0.1")))
        sidecar = replace(workload(egress="vpc"), platform="kubernetes", instance_connections=("p:r:i",))
        instance = database("main", identities=("cloudsql:p:r:i",), provider="cloud-sql-postgresql")
        assert only(joined([sidecar, instance], site)).hops == ()

    def test_a_shorter_keepalive_disarms_it(self) -> None:
        quiet = pool(target=on("10.0.0.5"), connect_args={"keepalives_idle": number(60, "keepalives_idle")})
        assert only(joined([workload(egress="vpc")], engine("app/db.py:8", quiet))).hops == ()

    def test_a_longer_keepalive_does_not(self) -> None:
        late = pool(target=on("10.0.0.5"), connect_args={"keepalives_idle": number(900, "keepalives_idle")})
        assert only(joined([workload(egress="vpc")], engine("app/db.py:8", late))).hops

    def test_a_stated_timeout_is_of_unknown_kind(self) -> None:
        orders = StatedDatabase("orders", idle_timeout=number(300, "idle-timeout"), match=("DATABASE_URL",))
        plain = replace(workload(), platform="kubernetes")
        (hop,) = only(joined([plain], configuration=Configuration(databases={"orders": orders}))).hops
        assert (hop.seconds.value, hop.effect) == (300, "unknown")

    @pytest.mark.parametrize(("mode", "expected"), [("transaction", ["closes"]), ("session", [])])
    def test_a_poolers_client_timeout_counts_where_it_shares_connections(self, mode: str, expected: list[str]) -> None:
        site = engine("app/db.py:8", pool(target=on("pgbouncer", 6432)))
        cutting = bouncer(mode=number(mode, "pool_mode"), client_idle_timeout=number(120, "client_idle_timeout"))
        plain = replace(workload(), platform="compose")
        client = only(joined([plain, cutting, compose_database("deploy")], site))
        assert [hop.effect for hop in client.hops] == expected

    def test_an_engine_without_a_workload_has_no_platform(self) -> None:
        assert only(joined([], engine("app/db.py:8", pool(target=on("10.0.0.5"))))).hops == ()


class TestOneThingDescribedTwice:
    def test_a_dockerfile_that_another_workload_builds_is_not_a_workload(self) -> None:
        run = web(2, files=("Dockerfile",))
        docker = workload("app", Unknown("not written"), run, platform="docker", build=Build("", "Dockerfile"))
        assert [w for w, _ in names(joined([docker, workload("api", 3, run)]))] == ["api"]

    def test_a_dockerfile_alone_is_one(self) -> None:
        docker = workload("app", Unknown("not written"), web(2), platform="docker", build=Build("", "Dockerfile"))
        assert [w for w, _ in names(joined([docker]))] == ["app"]

    def test_a_procfile_beside_a_platform_that_starts_the_same(self) -> None:
        procfile = workload("web", Unknown("not written"), platform="procfile")
        assert [w for w, _ in names(joined([procfile, workload("api", 3)]))] == ["api"]

    @pytest.mark.parametrize("platform", ["procfile", "systemd"])
    def test_what_a_developer_starts_anew_at_every_change_is_not_what_is_served(self, platform: str) -> None:
        served = workload("web", Unknown("not written"), web(4), platform=platform)
        developers = workload("api", 1, web(1, reloads=True), platform="compose")
        assert [w for w, _ in names(joined([served, developers]))] == ["api", "web"]
        developers_too = replace(served, run=(web(1, reloads=True),))
        assert [w for w, _ in names(joined([developers_too, developers]))] == ["api"]

    def test_a_dockerfile_is_no_deployment_beside_a_developers_server(self) -> None:
        docker = workload("app", Unknown("not written"), web(4), platform="docker", build=Build("", "Dockerfile"))
        developers = workload("api", 1, web(1, reloads=True), platform="compose", build=Build("", "Dockerfile"))
        assert [w for w, _ in names(joined([docker, developers]))] == ["api"]

    def test_a_release_phase_counts_one_connection_once(self) -> None:
        """Whatever engines its script reaches, it takes one step after the other."""
        steps = replace(web(1, units=NOT_READ), kind="script"), replace(web(1, units=NOT_READ), kind="script")
        release = workload("release", 1, *steps, platform="procfile", kind="job", life="one-off")
        site = engine("app/db.py:8", pool(35, 65, target=on("db.example.org")))
        made = joined([release, workload("web", 2, platform="procfile")], site)
        (budget,) = budgets(made)
        assert [(c.workload.name, c.steady.formula) for c in budget.clients if c.workload] == [
            ("release", "1 instance × 1 process × min(35 + 65, 1 at once)"),
            ("web", "2 instances × 1 process × (35 + 65)"),
        ]
        assert budget.steady == 201

    def test_a_migration_job_counts_one_connection(self) -> None:
        migrate = workload("migrate", 1, replace(web(1, units=NOT_READ), kind="migration"), kind="job")
        client = only(joined([migrate], engine("migrations/env.py:3", role="migration")))
        assert isinstance(client.steady.lowered, Known) and client.steady.lowered.value == 1
        assert client.steady.factors[-1][1].origin.says == "a release or migration step uses one connection"

    @pytest.mark.parametrize(("kind", "plain"), [("scheduler", 1), ("worker", 15)])
    def test_a_scheduler_never_fills_its_pool(self, kind: str, plain: int) -> None:
        runs = replace(web(1, units=number(1, "one at a time")), kind=kind)
        client = only(joined([workload("beat", 1, runs)]))
        assert (client.steady.lowered.value, client.steady.plain.value) == (1, plain)

    @pytest.mark.parametrize(("kind", "known"), [("worker", False), ("web", True)])
    def test_threads_of_a_worker_that_nobody_counts_are_not_the_whole_pool(self, kind: str, known: bool) -> None:
        """They are as many as there are CPUs; of what serves requests the pool is what is known."""
        runs = replace(web(1, units=Unknown("the number of CPUs")), kind=kind)
        assert isinstance(only(joined([workload("tasks", 1, runs)])).steady.lowered, Known) is known

    def test_what_one_call_makes_nobody_else_fills(self) -> None:
        made = engine(lasts=number(False, "disposed"))
        client = only(joined([workload("api", 2, web(3))], made))
        assert (client.steady.lowered.value, client.steady.plain.value) == (6, 6)

    def test_a_migration_before_a_scheduler_ends_first(self) -> None:
        steps = Process("alembic", "migration", number(1, "alembic"), number(1, "alembic")), replace(
            web(1, units=number(1, "beat")), kind="scheduler", server="celery beat"
        )
        client = only(joined([workload("beat", 1, *steps)]))
        assert client.process and client.process.kind == "scheduler"

    def test_a_migration_is_not_linked_to_an_engine_that_serves(self) -> None:
        migrate = workload("migrate", 1, Process("alembic", "migration", number(1, "alembic"), number(1, "alembic")))
        assert only(joined([migrate])).workload is None
        client = only(joined([migrate], engine("migrations/env.py:3", role="migration")))
        assert client.how.startswith("the only engine there is, and alembic is what migrate starts")

    def test_a_web_server_of_a_job_is_no_release_step(self) -> None:
        serving = workload("web", 1, platform="heroku", kind="service")
        assert only(joined([serving])).steady.formula == "1 instance × 1 process × (5 + 10)"

    def test_a_file_for_development_does_not_speak_for_the_dockerfile_that_is_deployed(self) -> None:
        docker = workload("app", Unknown("not written"), web(2), platform="docker", build=Build("", "Dockerfile"))
        started = workload("web", 1, web(1), environment="dev", build=Build("", "Dockerfile"))
        assert [w for w, _ in names(joined([docker, started]))] == ["app", "web"]

    def test_two_files_of_one_cloud_run_service_are_merged(self) -> None:
        deployed = workload("api", Unknown("kept from before"), unit="ci", location=Location(".github/deploy.yml", 9))
        client = only(joined([deployed, workload("api", 12)]))
        assert client.steady.factors[0][1].value == 12

    def test_the_configuration_names_the_environment_of_a_file(self) -> None:
        named = Configuration(environments={"prod": ("deploy/*.yaml",)})
        assert only(joined([workload()], configuration=named)).environment == "prod"

    @pytest.mark.parametrize("glob", ["deploy/overlays/prod/**", "deploy/overlays/prod/*.yaml", "deploy/overlays/prod"])
    def test_an_overlay_runs_in_its_own_environment_wherever_its_manifests_stand(self, glob: str) -> None:
        named = Configuration(environments={"base": ("deploy/base/**",), "live": (glob,)})
        base = Location("deploy/base/api.yaml", 1)
        api = workload("api", location=base, unit="deploy/overlays/prod")
        limit = compose_database("deploy/overlays/prod", location=base)
        client = only(joined([api, limit], engine("app/db.py:8", pool(target=on("db"))), configuration=named))
        assert client.environment == "live" and client.database and client.database.environment == "live"


class TestComposeProjects:
    def service(self, name: str, file: str, environment: str | None, **fields: object) -> Workload:
        place = Location(f"deploy/{file}", 3)
        return workload(name, 1, platform="compose", location=place, environment=environment, **fields)

    def base(self) -> list[Workload | Database]:
        return [
            self.service("api", "docker-compose.yml", None),
            self.service("seed", "docker-compose.yml", None),
            compose_database("deploy", platform="compose"),
        ]

    def in_production(self, made: Project) -> list[str]:
        (budget,) = [budget for budget in budgets(made) if budget.environment == "prod"]
        return [client.workload.name for client in budget.clients if client.workload]

    def test_files_of_an_environment_replace_the_whole_unmarked_project(self) -> None:
        own = self.service("backend", "docker-compose.prod.yml", "prod")
        limit = compose_database("deploy", 200, environment="prod", platform="compose")
        assert self.in_production(joined([*self.base(), own, limit], SITE)) == ["backend"]

    def test_the_unmarked_database_does_not_run_there_either(self) -> None:
        own = self.service("backend", "docker-compose.prod.yml", "prod")
        made = joined([*self.base(), own], SITE)
        (client,) = [client for client in made.clients if client.environment == "prod"]
        assert client.database and not isinstance(client.database.max_connections, Known)

    def test_nor_does_a_variable_mean_what_it_means_in_the_unmarked_files(self) -> None:
        told = engine("app/db.py:8", pool(target=on("db"), identities=(URL,)))
        site = engine("app/db.py:8", pool(identities=(URL,)))
        own = self.service("backend", "docker-compose.prod.yml", "prod")
        base = self.service("api", "docker-compose.yml", None, variables=variables(DATABASE_URL="postgresql://db/x"))
        facts = [base, own, compose_database("deploy", platform="compose")]
        made = joined(facts, site, per_variable={"DATABASE_URL": told})
        assert {c.environment: c.database.name for c in made.clients if c.database} == {
            None: "db",
            "prod": "DATABASE_URL",
        }

    def test_a_profile_marks_a_service_beside_the_others(self) -> None:
        marked = self.service("backend", "docker-compose.yml", "prod")
        assert self.in_production(joined([*self.base(), marked], SITE)) == ["api", "backend", "seed"]

    def test_its_database_is_not_that_of_a_procfile_in_the_same_folder(self) -> None:
        told = engine("app/db.py:8", pool(target=on("db"), identities=(URL,)))
        site = engine("app/db.py:8", pool(identities=(URL,)))
        facts = [
            self.service("api", "docker-compose.yml", None, variables=variables(DATABASE_URL="postgresql://db/x")),
            workload("web", 9, web(entry="app.wsgi"), platform="procfile"),
            compose_database("deploy", platform="compose"),
        ]
        made = joined(facts, site, per_variable={"DATABASE_URL": told})
        assert sorted(names(made)) == [("api", "db"), ("web", "DATABASE_URL")]

    def test_its_containers_do_not_answer_to_pods_of_the_same_folder(self) -> None:
        pod = workload("api", 3, platform="kubernetes")
        made = joined([pod, compose_database("deploy", platform="compose")], SITE)
        assert not isinstance(only(made).database.max_connections, Known)  # type: ignore[union-attr]


def test_a_name_can_be_typed_on_a_command_line() -> None:
    client = only(joined([workload("api", 2, instance_connections=("${PROJECT}:${REGION}:${DB_INSTANCE}",))]))
    assert client.database and client.database.name == "DB_INSTANCE"


class TestWhatADatabaseAccepts:
    def limit_of(self, written: Database) -> Setting:
        client = only(joined([workload(), written], engine("app/db.py:8", pool(target=on("db")))))
        assert client.database
        return client.database.max_connections

    def test_a_number_that_cannot_be_read_is_not_the_products_default(self) -> None:
        place = Origin("max_connections", Location("deploy/docker-compose.yml", 6))
        unread = Unknown("max_connections is ${MAX}, which no file gives", place)
        written = compose_database("deploy", unread, provider="neon", tier=number("1", "cu"))
        assert self.limit_of(written) == unread

    def test_a_number_that_is_not_written_is_the_tables(self) -> None:
        absent = Unknown("max_connections is not set", Origin("max_connections"))
        tier = number("db-custom-4-16384", "tier", "db.tf:4")
        found = self.limit_of(compose_database("deploy", absent, provider="cloud-sql-postgresql", tier=tier))
        assert isinstance(found, Known) and (found.value, found.origin.says) == (
            500,
            "Cloud SQL db-custom-4-16384: 500",
        )


class TestImagesThatNoBuildStepNames:
    RUN = web(2, files=("Dockerfile",))

    def built(self, *images: str, docker: str = "shop") -> Project:
        """Link workloads that name only an image, beside one Dockerfile that starts a server."""
        dockerfile = workload(
            docker, Unknown("not written"), self.RUN, platform="docker", build=Build("", "Dockerfile")
        )
        made = [replace(workload(f"w{n}", n + 1), run=(), image=image) for n, image in enumerate(images)]
        return _with_command(self.RUN, dockerfile, *made)

    @pytest.mark.parametrize("image", ["europe-docker.pkg.dev/p/r/anything:1", "${IMAGE}", "gcr.io/PROJECT_ID/api"])
    def test_the_only_image_of_the_projects_own_is_the_only_dockerfile(self, image: str) -> None:
        assert [w for w, _ in names(self.built(image))] == ["w0"]

    @pytest.mark.parametrize(
        "image", ["redis:7", "grafana/grafana", "ghcr.io/other/tool:2", "gcr.io/cloudsql-docker/gce-proxy"]
    )
    def test_an_image_of_others_is_not(self, image: str) -> None:
        assert [w for w, _ in names(self.built(image))] == ["shop"]

    def test_two_images_of_its_own_cannot_both_be_it(self) -> None:
        assert [w for w, _ in names(self.built("gcr.io/p/api", "gcr.io/p/ui"))] == ["shop"]

    def test_an_image_for_development_is_not_what_production_runs(self) -> None:
        api = workload("api", 1, self.RUN, platform="compose", environment="dev", build=Build("", "Dockerfile.dev"))
        deployed = workload("worker", 9, web(entry=None), image="123.dkr.ecr.eu-west-1.amazonaws.com/worker")
        made = _with_command(self.RUN, api, replace(deployed, run=()))
        (found,) = [each for each in made.workloads if each.name == "worker"]
        assert found.build is None

    def test_the_folders_name_decides(self) -> None:
        assert [w for w, _ in names(self.built("gcr.io/p/acme-api:3", "gcr.io/p/acme-ui:3", docker="api"))] == ["w0"]

    @pytest.mark.parametrize("image", ['{{ include "shop.image" . }}:1.2', "<api_image>:<tag>", "${IMAGE}"])
    def test_an_image_whose_name_is_filled_in_goes_by_its_workload(self, image: str) -> None:
        services = [
            workload(name, 1, web(2, files=(f"Dockerfile.{name}",)), platform="compose", build=Build("", f"Dockerfile.{name}"))
            for name in ("api", "tasks")
        ]
        deployed = replace(workload("shop-api", 9), run=(), image=image, platform="kubernetes", unit="chart")
        made = _with_command(self.RUN, *services, deployed)
        assert [each.build.dockerfile for each in made.workloads if each.name == "shop-api"] == ["Dockerfile.api"]


class TestStages:
    """The last stage of a Dockerfile is what `docker build` makes without --target: often a developer's."""

    RUN = web(2, files=("Dockerfile",))
    DEPLOYED = replace(workload("shop", 9), run=(), image="acme/api:latest", platform="kubernetes")

    def stages(self, *facts: Workload | Image) -> dict[str, str | None]:
        made = _with_command(self.RUN, *facts)
        return {each.name: each.build.target if each.build else "no build" for each in made.workloads}

    def composed(self, name: str, target: str | None, environment: str | None = None) -> Workload:
        build = Build("", "Dockerfile", target)
        return workload(name, 1, self.RUN, platform="compose", build=build, environment=environment)

    def test_of_an_image_are_what_a_workflow_builds(self) -> None:
        build = Image("${tags}", Build("", "Dockerfile", "production"), Location(".github/workflows/ci.yml", 9))
        checks = Image("checks", Build("", "Dockerfile", "test"), Location(".github/workflows/ci.yml", 3))
        docker = workload("api", 1, platform="docker", build=Build("", "Dockerfile"))
        docker = replace(docker, run=())
        assert self.stages(docker, build, checks) == {"api": "production"}
        found = self.stages(self.composed("api", "development"), self.DEPLOYED, build, checks)
        assert found == {"api": "development", "shop": "production"}

    def test_of_an_image_are_what_compose_builds_for_production(self) -> None:
        facts = self.composed("api", "development"), self.composed("api", "final", "prod"), self.DEPLOYED
        assert self.stages(*facts)["shop"] == "final"

    def test_for_developers_are_not_what_is_deployed(self) -> None:
        assert self.stages(self.composed("api", "development"), self.DEPLOYED)["shop"] == "no build"

    def test_of_several_services_are_their_own(self) -> None:
        api = Image("registry/api", Build("", "Dockerfile", "web"), Location(".github/workflows/ci.yml", 9))
        facts = self.composed("api", "web"), self.composed("tasks", "celery"), self.DEPLOYED
        assert self.stages(*facts)["shop"] == self.stages(*facts, api)["shop"] == "web"
        tasks = replace(self.DEPLOYED, image="acme/tasks:latest")
        assert self.stages(*facts[:2], tasks, api)["shop"] == "celery"

    def test_that_start_the_same_are_one(self) -> None:
        """The last stage of a Dockerfile is the same whether its name is written or not."""
        last, tasks = self.composed("api", "application", "prod"), self.composed("tasks", None, "prod")
        assert self.stages(self.composed("api", None), last, tasks, self.DEPLOYED)["shop"] is None
        elsewhere = replace(last, build=Build("", "Dockerfile.api"))
        assert self.stages(self.composed("api", None), elsewhere, tasks, self.DEPLOYED)["shop"] == "no build"


def _with_command(run: Process, *workloads: Workload | Image) -> Project:
    """Link workloads of which those with a build start `run`."""
    import poollint.commands as commands

    original = commands.processes
    commands.processes = lambda made, tree, images: (run,) if made.build else ()  # type: ignore[assignment]
    try:
        return joined(workloads, imports={"app.main:app": ["app/db.py"]})
    finally:
        commands.processes = original


class TestLimits:
    def test_a_tier_is_looked_up_in_the_table(self) -> None:
        fact = database(
            "main",
            Unknown("no flag"),
            provider="cloud-sql-postgresql",
            tier=number("db-custom-4-16384", "tier", "db.tf:4"),
            reserved=Unknown("not read"),
            identities=("cloudsql:p:r:i",),
        )
        client = only(joined([workload(instance_connections=("p:r:i",)), fact]))
        assert client.database
        limit = client.database.max_connections
        assert (limit.value, limit.certainty) == (500, "default")
        assert "db-custom-4-16384" in limit.origin.says

    def test_a_written_flag_wins_over_the_table(self) -> None:
        fact = database(
            "main",
            120,
            provider="cloud-sql-postgresql",
            tier=number("db-f1-micro", "tier"),
            identities=("cloudsql:p:r:i",),
        )
        client = only(joined([workload(instance_connections=("p:r:i",)), fact]))
        assert client.database and client.database.max_connections.value == 120

    def test_nothing_is_known_of_a_server_that_nothing_describes(self) -> None:
        client = only(joined([workload()]))
        assert client.database and isinstance(client.database.max_connections, Unknown)


class TestRollout:
    def test_only_a_documented_overlap_counts(self) -> None:
        surging = workload("api", 10, rollout_instances=default(13), rollout_documented=True)
        assert only(joined([surging])).rollout.lowered.value == 195
        assert only(joined([replace(surging, rollout_documented=False)])).rollout.lowered.value == 150


class TestMissing:
    def test_the_limit_is_asked_for_with_the_demand(self) -> None:
        (entry,) = joined([workload("api", 10, web(4))]).missing
        assert entry.needs == "DATABASE_URL.max-connections"
        assert "600 connections" in entry.reason

    def test_instances_are_asked_for_with_what_fits(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db")))
        facts = [workload("api", Unknown("no file says how many"), web(2)), compose_database("deploy")]
        (entry,) = joined(facts, site).missing
        assert entry.needs == "api.instances"
        assert "each instance opens up to 30 connections, so 3 fit into db" in entry.reason

    @pytest.mark.parametrize(("processes", "said"), [(5, "so 1 fits into db"), (8, "so not even one fits into db")])
    def test_it_says_when_hardly_any_fits(self, processes: int, said: str) -> None:
        site = engine("app/db.py:8", pool(target=on("db")))
        facts = [workload("api", Unknown("not written"), web(processes)), compose_database("deploy")]
        (entry,) = joined(facts, site).missing
        assert said in entry.reason

    def test_an_unknown_number_of_processes_is_asked_for(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db")))
        facts = [workload("api", 2, web(Unknown("computed from the number of CPUs"))), compose_database("deploy")]
        (entry,) = joined(facts, site).missing
        assert entry.needs == "api.processes"
        assert "each process opens up to 15 connections" in entry.reason

    @pytest.mark.parametrize(
        ("size", "overflow", "said"),
        [
            (Unknown("set by the environment"), 9, "each process opens up to 9 connections beyond its pool"),
            (9, Unknown("set by the environment"), "each process keeps up to 9 connections in its pool"),
        ],
    )
    @pytest.mark.parametrize("processes", [2, Unknown("computed from the number of CPUs")])
    def test_half_a_pool_is_not_said_to_be_all(self, size: Any, overflow: Any, said: str, processes: Any) -> None:
        site = engine("app/db.py:8", pool(size, overflow, target=on("db")))
        facts = [workload("api", Unknown("not written"), web(processes)), compose_database("deploy")]
        (entry,) = [entry for entry in joined(facts, site).missing if entry.needs == "api.instances"]
        assert entry.reason.endswith(said)

    def test_a_handful_of_connections_decides_nothing(self) -> None:
        assert joined([workload("api", 1)]).missing == ()

    def test_a_single_connection_per_instance_decides_nothing(self) -> None:
        beat = web(1, "tasks", units=number(1, "beat"))
        site = engine("app/db.py:8", pool(target=on("db")))
        open_ones = workload("beat", Unknown("not written"), replace(beat, kind="worker"))
        assert joined([open_ones, compose_database("deploy")], site).missing == ()

    def test_the_limit_comes_before_the_instances_it_would_be_compared_with(self) -> None:
        entries = joined([workload("api", Unknown("not written"), web(2))]).missing
        assert [entry.needs for entry in entries] == ["DATABASE_URL.max-connections", "api.instances"]

    def test_migrations_and_scripts_are_not_asked_for(self) -> None:
        assert joined([], engine("migrations/env.py:3", role="migration")).missing == ()

    def test_an_engine_that_nothing_runs_asks_for_a_service_of_its_folder(self) -> None:
        (entry,) = joined([], engine("src/shop/db.py:3")).missing
        assert entry.needs == "shop.instances"

    def test_the_most_decisive_comes_first(self) -> None:
        facts = [workload("small", 2, unit="a"), workload("large", 20, unit="b")]
        assert [entry.needs for entry in joined(facts).missing] == [
            "b/DATABASE_URL.max-connections",
            "a/DATABASE_URL.max-connections",
        ]

    def test_of_equals_production_comes_first(self) -> None:
        facts = [
            workload(f"api-{name}", Unknown("not written"), web(4), environment=name) for name in ("demo", "production")
        ]
        asked = [entry.needs for entry in joined([*facts, compose_database("deploy")], SITE).missing]
        assert asked == ["api-production.instances", "api-demo.instances"]

    def test_nothing_is_asked_where_the_verdict_stands(self) -> None:
        site = engine("app/db.py:8", pool(target=on("db")))
        facts = [workload("api", 10, web(4)), workload("b", Unknown("?")), compose_database("deploy")]
        assert joined(facts, site).missing == ()

    def test_beside_development_files_production_is_asked_for(self) -> None:
        (entry,) = joined([workload("api", 10, environment="dev")]).missing
        assert (entry.needs, entry.weight) == ("app.instances", 15)

    def test_the_name_to_state_is_not_that_of_a_workload_that_runs_something_else(self) -> None:
        facts = [workload("shop", 2, web(entry="app.other:app"))]
        made = joined(facts, engine("src/shop/db.py:3"), imports={"app.other:app": []})
        assert [entry.needs for entry in made.missing] == ["app.instances"]


OWN = "api:1 shop-api registry.example.com/shop/api:1 localhost:5000/api registry:5000/api@sha256:1 your-account/api myapp:dev <you>/api"
OTHERS = (
    "postgres:16 nextcloud espocrm:9 azul-zulu:21 metabase/metabase ghcr.io/acme/api:1 docker.io/acme/api quay.io/acme/api acme/api:latest "
    "mysql/mysql-server opensearchproject/opensearch:2 public.ecr.aws/x/api gcr.io/google-containers/pause registry.k8s.io/pause"
)


@pytest.mark.parametrize(("image", "own"), [*((each, True) for each in OWN.split()), *((each, False) for each in OTHERS.split())])
def test_an_image_is_the_projects_own_where_nobody_publishes_it(image: str, own: bool) -> None:
    assert is_own(image) is own



@pytest.mark.parametrize(
    ("image", "clients"),
    [
        ("evolution/evolution-api:2", ["api"]),
        ("registry.example.com/shop-api:2", ["api", "more"]),
        ("acme/api:2", ["api", "more"]),
        ("registry.example.com/backend:2", ["api", "more"]),
        ("registry.example.com/patroni-postgres:2", ["api"]),
    ],
)
def test_a_published_image_beside_the_build_of_its_name_is_anothers(write, image: str, clients: list[str]) -> None:
    code = "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\napp = FastAPI()\n"
    folder = write(
        {
            "requirements.txt": "sqlalchemy\npsycopg2\n",
            "main.py": code + "engine = create_engine('postgresql://db/shop')\n",
            "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD [\"uvicorn\", \"main:app\"]\n",
            "compose.yaml": f"services:\n  api:\n    build: .\n  more:\n    image: {image}\n  db:\n    image: postgres:16\n",
        }
    )
    _, _, project = pipeline.read([folder])
    assert [client.workload.name for client in project.clients if client.workload] == clients


SWITCHED = """\
import os
from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

app = FastAPI()
options = {{"poolclass": NullPool}} if {test} else {{"pool_size": 9}}
engine = create_engine("postgresql+psycopg2://db/shop", **options)
"""
SHARED = """\
services:
  api: {{build: ., env_file: .env, command: "uvicorn main:app"}}
  jobs:
    build: .
    env_file: .env
    command: celery -A main worker -c 2
    environment: {{{given}}}
  db: {{image: "postgres:16"}}
"""


@pytest.mark.parametrize(
    ("test", "given", "sizes"),
    [
        ('os.getenv("OWN_POOLS", "false").lower() == "true"', 'OWN_POOLS: "true"', [9]),
        ('os.getenv("OWN_POOLS")', "OWN_POOLS: 1", [9]),
        ('os.getenv("KEEP", "1") != "1"', 'KEEP: "0"', [9]),
        ('os.getenv("OWN_POOLS", "true") == "true"', 'OWN_POOLS: "true"', [None, 9]),
        ('os.getenv("OWN_POOLS", "false") == "true"', 'MODE: "true"', [9, None]),
        ('os.getenv("MODE", "api") == "jobs"', "MODE: jobs", [9, None]),
    ],
)
def test_a_switch_that_one_workload_turns_for_itself_is_not_turned_in_the_others(write, test: str, given: str, sizes: list) -> None:
    """The missing .env may hold anything else, but not what a service has to set although it reads the same file."""
    folder = write(
        {"main.py": SWITCHED.format(test=test), "Dockerfile": "FROM python:3.12\nCOPY . .\n", "compose.yaml": SHARED.format(given=given)}
    )
    _, _, project = pipeline.read([folder])
    (api,) = (client for client in project.clients if client.workload and client.workload.name == "api")
    assert [value_of(pool.pool_size) for pool in api.live] == sizes


@pytest.mark.parametrize(
    ("command", "kind", "life", "connections"),
    [("python seed.py", "job", "one-off", 1), ("uvicorn main:app", "service", "long-lived", 15)],
)
def test_what_compose_does_not_restart_runs_once_unless_it_serves(write, command: str, kind: str, life: str, connections: int) -> None:
    code = "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\napp = FastAPI()\n"
    folder = write(
        {
            "main.py": code + "engine = create_engine('postgresql+psycopg2://db/shop')\n@app.get('/')\ndef ping():\n    engine.connect()\n",
            "seed.py": "from main import engine\nwith engine.begin() as connection:\n    connection.exec_driver_sql('select 1')\n",
            "Dockerfile": 'FROM python:3.12\nCOPY . .\nCMD ["uvicorn", "main:app"]\n',
            "compose.yaml": f"services:\n  one:\n    build: .\n    command: {command}\n    restart: 'no'\n",
        }
    )
    _, _, project = pipeline.read([folder])
    (client,) = (client for client in project.clients if client.workload and client.workload.name == "one")
    assert (client.workload.kind, client.workload.life, value_of(client.steady.plain)) == (kind, life, connections)
