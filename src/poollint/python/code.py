"""The project's Python as the other stages see it: its engines, and what an entry point imports."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Set
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from poollint._dispatch import left_out, lines_of
from poollint.discover import Tree
from poollint.facts import NO_ENVIRONMENT, DeadSetting, Engine, Environment, Location, Use, Version
from poollint.python.evaluator.memo import Memo
from poollint.python.sites import Site, Sites
from poollint.python.source.graph import Reach
from poollint.python.source.modules import Modules

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Evaluator


class Code:
    """Reads nothing until asked, and nothing twice."""

    def __init__(self, tree: Tree, versions: tuple[Version, ...] = ()) -> None:
        self.modules = Modules(tree)
        self.versions = versions
        self.graph = self.modules.graph
        self._sites = Sites(self.modules)
        self._engines: dict[Site, list[tuple[set[str], tuple, tuple[Engine, ...]]]] = {}
        self._evaluators: dict[tuple, Evaluator] = {}
        self._memo = Memo()
        self._reaches: dict[tuple[str, str | None, bool, frozenset[int]], Reach] = {}

    def declare(self, versions: tuple[Version, ...]) -> None:
        """Take the declared versions; engines are read after this."""
        self.versions = versions

    @property
    def has_engines(self) -> bool:
        """Say whether any file's bytes may create an engine: cheap, and without libcst."""
        return bool(self._sites.candidates)

    def engines(self, environment: Environment = NO_ENVIRONMENT) -> tuple[Engine, ...]:
        """Return every engine, with the values this environment gives; the same places in every environment."""
        if not self._sites.found:
            return ()
        evaluator = self._evaluator(environment)
        return tuple(engine for site in self._sites.found for engine in self._of_site(site, evaluator))

    def engines_at(self, places: Collection[Location], environment: Environment) -> dict[Location, Engine]:
        """Return the engines created in some places, as one environment makes them: a workload runs few of many."""
        evaluator = self._evaluator(environment)
        wanted = {(engine.extension or engine.location) for engine in self.engines() if engine.location in places}
        sites = (site for site in self._sites.found if site.location in wanted)
        return {engine.location: engine for site in sites for engine in self._of_site(site, evaluator)}

    @property
    def dead_settings(self) -> tuple[DeadSetting, ...]:
        """Return the engine options that belong to no engine at all."""
        sites = self._sites.found
        used = any(s.factory == "flask-sqlalchemy" and not self._facts.roles.is_aside(s.module.path) for s in sites)
        return () if used or not sites else tuple(self._facts.flask.orphans())

    def entry_module(self, entry: str, directory: str = "") -> str | None:
        """Return the file an entry point names: "app.main:app", "scripts/run.py", "package" (its __main__)."""
        name = entry.partition(":")[0].strip()
        if name.endswith(".py") or "/" in name:
            return self._file(posixpath.normpath(posixpath.join(directory, name.lstrip("/"))))
        start = posixpath.join(directory, "_")  # as if a file in the import root imported it
        # `app.main.app` and `-A app.celery_app.celery` may end in an attribute.
        for dotted in (name, name.rpartition(".")[0]):
            below = posixpath.join(directory, dotted.replace(".", "/")) if dotted else ""
            path = (self._file(below, ":" in entry) or self.modules.path_of(dotted, start)) if dotted else None
            if path:
                return path
        return self._file(posixpath.join(directory, name))  # uWSGI's `wsgi-file = admin.wsgi`

    def reaches(
        self, entry: str, directory: str = "", *, finds_tasks: bool = False, told: tuple[str, ...] = ()
    ) -> Reach | None:
        """Return what running an entry point imports, None when it names no file of the project.

        finds_tasks  a Celery worker runs it, and imports the tasks that its application discovers
        told         the words that its program is given: they choose what it runs
        """
        path = self.entry_module(entry, directory)
        if path is None:
            return None
        # `python jobs/main.py` puts the folder of the script first on sys.path; `-m` and servers put their own there.
        first = posixpath.dirname(path) if entry.partition(":")[0].strip().endswith(".py") else None
        silent = self._silent(path, told)
        key = (path, first, finds_tasks, silent)
        if key not in self._reaches:
            self._reaches[key] = self.graph.reach(path, entry, first, finds_tasks=finds_tasks, silent=silent)
        return self._reaches[key]

    def imported_at_start(self, entry: str, directory: str = "", *, finds_tasks: bool = False) -> frozenset[str]:
        """Return the files that are imported while an entry point is: a server that preloads runs them before it forks."""
        from poollint.python.usage.forks import imported_at_start

        path = self.entry_module(entry, directory)
        return imported_at_start(self._facts.roles, path, finds_tasks) if path else frozenset()

    def keeps_running(self, entry: str, directory: str = "") -> bool:
        """Say whether the program of an entry point runs until somebody ends it; False where nothing shows it."""
        from poollint.python.usage.programs import keeps_running

        path = self.entry_module(entry, directory)
        module = self.modules.module(path) if path else None
        return module is not None and bool(keeps_running(module, self._evaluator(NO_ENVIRONMENT)))

    def is_started_by(self, engine: Engine, entry: str, directory: str = "") -> bool:
        """Say whether the program of an entry point makes an engine while it starts, not in a command of its own."""
        path, reach = self.entry_module(entry, directory), self.reaches(entry, directory)
        sites = (site for site in self._sites.found if site.location == (engine.extension or engine.location))
        runs = (run for site in sites for run in self._facts.roles.lifecycle.runs(site) if not run.uncalled)
        imported = reach.paths if reach else frozenset()
        return any(
            run.path == path if run.context.kind == "main-guard" else run.context.kind == "module" and run.path in imported
            for run in runs
        )

    # -- inside

    def _silent(self, path: str, told: tuple[str, ...]) -> frozenset[int]:
        """Return the lines of a program that do not run when it is told some words."""
        module = self.modules.module(path) if told else None
        return lines_of(left_out(module.tree, told)) if module is not None else frozenset()

    def _file(self, path: str, is_imported: bool = False) -> str | None:
        """Return the file of a module; a package that is run, not imported, runs its __main__."""
        inside = (f"{path}/__init__.py",) if is_imported else (f"{path}/__main__.py", f"{path}/__init__.py")
        for candidate in (path, f"{path}.py", *inside):
            if candidate.endswith((".py", ".wsgi")) and candidate in self.modules.tree:
                return candidate
        return None

    @cached_property
    def _facts(self):  # noqa: ANN202 - imported late: the evaluator is only needed where an engine is
        from poollint.python.engines import Engines
        from poollint.python.usage.roles import Roles

        return Engines(Roles(self.modules, self.graph, self._sites.found), self.versions)

    def _of_site(self, site: Site, evaluator: Evaluator) -> tuple[Engine, ...]:
        """Return the engines of a site, read once for all environments that agree on the variables it asks for."""
        known = self._engines.setdefault(site, [])
        for read, answers, engines in known:
            if answers == _key(evaluator.environment, read):
                return engines
        evaluator.read = set()
        engines = tuple(self._read(site, evaluator))
        read = evaluator.read
        known.append((read, _key(evaluator.environment, read), engines))
        return engines

    def _evaluator(self, environment: Environment) -> Evaluator:
        from poollint.python.evaluator.evaluate import Evaluator

        key = _key(environment)
        if key not in self._evaluators:
            self._evaluators[key] = Evaluator(self.modules, environment, memo=self._memo)
        return self._evaluators[key]

    def _read(self, site: Site, evaluator: Evaluator) -> Iterator[Engine]:
        found: list[Engine] = []
        uses: tuple[Use, ...] = ()
        with self.modules.tree.guard(site.module.path):
            found.extend(self._facts.engine(site, evaluator))
        # By itself: what goes wrong in following the whole project must not lose the engine.
        with self.modules.tree.guard(site.module.path):
            uses = self._facts.uses(site, evaluator)
        for engine in found:
            # What the code does with the extension it does with the default engine.
            yield replace(engine, uses=() if engine.bind else uses, rivals=self._rivals.get(engine.location, ()))

    @cached_property
    def _rivals(self) -> dict[Location, tuple[Location, ...]]:
        """Engine → the engines of its scope that exclude it."""
        from poollint.python.branches import rivals

        scopes: dict[tuple[str, str], list[Site]] = {}
        for site in self._sites.found:
            scopes.setdefault((site.module.path, site.qualname), []).append(site)
        found: dict[Location, tuple[Location, ...]] = {}
        for sites in scopes.values():
            found |= rivals(sites[0].module.tree, [site.location for site in sites])
        return found


def _key(environment: Environment, names: Set[str] | None = None) -> tuple:
    """Name an environment by what it holds, or by what it holds under some names, in small letters.

    A name that ends in a star stands for all that begin so.
    """
    starts = tuple(name[:-1] for name in names or () if name.endswith("*"))
    variables = ((name, name.lower(), repr(setting)) for name, setting in environment.variables.items())
    switches = ((name, name.lower(), f"elsewhere {there}") for name, there in environment.elsewhere.items())
    given = ((n, s) for n, lowered, s in (*variables, *switches) if names is None or lowered in names or lowered.startswith(starts))
    return (tuple(sorted(given)), environment.complete, tuple(sorted(environment.secrets.items())))
