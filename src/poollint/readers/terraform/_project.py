"""Terraform's modules: which folder is a root, what its variables are in each environment, and what each resource says.

A root module is evaluated once per .tfvars file (that file is an environment), else once per workspace, or once. Local modules are followed with
their arguments. `count` and `for_each` make as many parts as they say.

The convention that ties a workload to the database it is given, for `link`:
* what only an apply knows is a token in a text (an env value, a host, an instance connection name):
  `${google_sql_database_instance.main.private_ip_address}`; a connection name whose parts are written is resolved;
* a Database lists the tokens that reach it under `hosts` (lower case, and `/cloudsql/<connection name>` for sockets);
  they mean that database inside the `unit`, the folder of the root module, and nowhere else;
* an attached instance that only an apply knows is `<unit>:${...connection_name}`; `cloudsql:` before it, an identity;
* `iac:<unit>/<address>` under `identities` names the resource everywhere, `iac:<address>` when the unit is the root.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from posixpath import normpath
from typing import TYPE_CHECKING

from poollint.hcl import syntax as hcl
from poollint.hcl.evaluate import MOST_STEPS, Bound, Budget, Names, evaluate, rendered
from poollint.hcl.types import with_defaults
from poollint.hcl.values import LONGEST_TEXT, Reference, numeric, pairs_of, reference
from poollint.facts import Known, Location, Origin, Setting, Unknown
from poollint.readers.terraform._part import MOST_PARTS, Part, connection_name, is_null
from poollint.readers.terraform._workspaces import environments

if TYPE_CHECKING:
    from poollint.discover import Tree

MOST_ENVIRONMENTS = 20  # tfvars files of one root
DEEPEST_MODULE = 8


@dataclass(eq=False)
class Module:
    """The blocks of one folder, by what names them."""

    folder: str
    variables: dict[str, hcl.Block] = field(default_factory=dict)
    locals: dict[str, hcl.Expression] = field(default_factory=dict)
    outputs: dict[str, hcl.Block] = field(default_factory=dict)
    resources: dict[tuple[str, str], hcl.Block] = field(default_factory=dict)
    calls: dict[str, hcl.Block] = field(default_factory=dict)
    providers: dict[str, hcl.Block] = field(default_factory=dict)
    templates: dict[str, hcl.Block] = field(default_factory=dict)

    def add(self, block: hcl.Block) -> None:
        if block.type == "locals":
            self.locals.update(block.body.attributes)
        elif block.type == "resource" and len(block.labels) == 2:
            self.resources[(block.labels[0], block.labels[1])] = block
        elif block.type == "data" and block.labels[:1] == ("template_file",) and len(block.labels) == 2:
            self.templates[block.labels[1]] = block
        elif block.labels and block.type in ("variable", "output", "module", "provider"):
            by_type = {
                "variable": self.variables,
                "output": self.outputs,
                "module": self.calls,
                "provider": self.providers,
            }
            if block.type != "provider" or "alias" not in block.body.attributes:
                by_type[block.type][block.labels[0]] = block


def modules(tree: Tree) -> dict[str, Module]:
    """Parse every .tf file, by folder."""
    found: dict[str, Module] = {}
    for path in tree.named("*.tf"):
        with tree.guard(path):
            file = parse(tree, path)
            if file is None:
                continue
            module = found.setdefault(path.rpartition("/")[0], Module(path.rpartition("/")[0]))
            for block in file.body.blocks:
                module.add(block)
    return found


def parse(tree: Tree, path: str) -> hcl.File | None:
    """Parse one file; what could not be read is under `skipped`."""
    text = tree.text(path)
    if text is None:
        return None
    try:
        file = hcl.parse(path, text)
    except hcl.Unreadable as problem:
        tree.skip(path, str(problem))
        return None
    for place in file.broken:
        tree.skip(path, "a block that is not valid HCL", place.line)
    return file


# -- roots and environments --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Root:
    """One evaluation of one root module, in one workspace where those are its environments."""

    tree: Tree
    folder: str
    environment: str | None
    modules: Mapping[str, Module]
    budget: Budget
    workspace: str | None = None


def scopes(tree: Tree) -> Iterator[Scope]:
    """Yield the scope of every root module in every environment, with those of the modules it calls."""
    found = modules(tree)
    folders = _roots(found)
    given = _variable_files(tree, folders)
    for folder in folders:
        shared, files = given.get(folder, ({}, {}))
        own = _environment(tree, folder)
        workspaces = _workspaces(tree, found, folder, shared) if not files and own is None else {}
        for name, arguments in (files or dict.fromkeys(workspaces or {own: ""}, {})).items():
            root = Root(tree, folder, name, found, Budget(), workspaces.get(name) or None)
            made: tuple[Scope, ...] = ()
            with tree.guard(f"{folder}/*.tf" if folder else "*.tf"):
                made = Scope(root, found[folder], {**shared, **arguments}).all
            yield from made


def _workspaces(tree: Tree, found: Mapping[str, Module], folder: str, shared: Arguments) -> dict[str | None, str]:
    """Return environment → workspace of a root module."""
    texts = [tree.text(path) or "" for path in tree.named("*.tf") if path.rpartition("/")[0] == folder]
    scope = Scope(Root(tree, folder, None, found, Budget()), found[folder], shared)
    return environments(texts, lambda kind, name: scope.resolve((kind, name))[0])


def _roots(found: Mapping[str, Module]) -> list[str]:
    called = {
        target
        for module in found.values()
        for call in module.calls.values()
        if (target := local_source(module.folder, call)) is not None and target != module.folder
    }
    return [folder for folder in found if folder not in called] or list(found)


def local_source(folder: str, call: hcl.Block) -> str | None:
    """Return the folder that `source = "./..."` names, None for registries and for what leaves the tree."""
    expression = call.body.attributes.get("source")
    if expression is None:
        return None
    written = expression.source.text(expression.node.start_byte, expression.node.end_byte).strip('"')
    if not written.startswith(("./", "../")):
        return None
    path = normpath(f"{folder}/{written}" if folder else written)
    return None if path.startswith("..") else path.removeprefix(".").removeprefix("/")


def _environment(tree: Tree, folder: str) -> str | None:
    from poollint.environments import environment_of

    return environment_of(tree, f"{folder}/main.tf" if folder else "main.tf")


Arguments = dict[str, Setting]


def _variable_files(tree: Tree, roots: list[str]) -> dict[str, tuple[Arguments, dict[str | None, Arguments]]]:
    """Return root → (what Terraform loads by itself, environment → what its file gives)."""
    found: dict[str, tuple[Arguments, dict[str | None, Arguments]]] = {}
    for path in tree.named("*.tfvars"):
        folder, _, name = path.rpartition("/")
        root = _root_of(folder, roots)
        if root is None:
            continue
        with tree.guard(path):
            file = parse(tree, path)
            if file is None:
                continue
            arguments = {key: evaluate(e, NO_NAMES) for key, e in file.body.attributes.items()}
            shared, environments = found.setdefault(root, ({}, {}))
            if folder == root and (name == "terraform.tfvars" or name.endswith(".auto.tfvars")):
                shared.update(arguments)
            elif len(environments) < MOST_ENVIRONMENTS:
                environments.setdefault(_named_by(tree, path), {}).update(arguments)
    return found


def _named_by(tree: Tree, path: str) -> str | None:
    """Return the environment a variables file is: a word of its path, else its own name."""
    from poollint.environments import environment_of

    folder, _, name = path.rpartition("/")
    stem = name.split(".")[0]
    return environment_of(tree, path) or (folder.rpartition("/")[2] if stem == "terraform" else stem) or None


def _root_of(folder: str, roots: list[str]) -> str | None:
    """Return the root module that a variables file speaks to: the nearest above, else the only one beside it."""
    here = folder
    while True:
        if here in roots:
            return here
        prefix = f"{here}/" if here else ""
        below = [root for root in roots if root.startswith(prefix)]
        if len(below) == 1:
            return below[0]
        if not here:
            return None
        here = here.rpartition("/")[0]


class _NoNames:
    """A .tfvars file knows no names."""

    def __init__(self) -> None:
        self.budget = Budget()

    def resolve(self, path: tuple[str | int, ...]) -> tuple[Setting, int]:
        return Unknown("a variables file may hold values only"), len(path)

    def read(self, path: str) -> Known | None:
        return None


NO_NAMES = _NoNames()


# -- scopes ------------------------------------------------------------------------------------------------------------


class Scope:
    """One module as called at one place: what its names mean (see `_hcl_values.Names`)."""

    def __init__(
        self,
        root: Root,
        module: Module,
        arguments: Mapping[str, Setting],
        prefix: str = "",
        parent: Scope | None = None,
    ) -> None:
        self.root, self.module, self.arguments, self.prefix = root, module, arguments, prefix
        self.top: Scope = parent.top if parent else self
        self.depth: int = parent.depth + 1 if parent else 0
        self.budget = root.budget
        self._variables: dict[str, Setting] = {}
        self._locals: dict[str, Setting] = {}
        self._parts: dict[tuple[str, str], list[Part]] = {}
        self._children: dict[str, dict[str | int | None, Scope]] = {}
        self._busy: set[object] = set()

    def below(self) -> Iterator[Scope]:
        """Yield this scope and those of the local modules it calls."""
        yield self
        for name in self.module.calls:
            for child in self.children(name).values():
                yield from child.below()

    def resolve(self, path: tuple[str | int, ...]) -> tuple[Setting, int]:
        kind = str(path[0])
        if kind in ("var", "local", "module") and len(path) > 1:
            found = {"var": self.variable, "local": self.local, "module": self.output}[kind]
            return found(path) if kind == "module" else (found(str(path[1])), 2)  # type: ignore[arg-type, return-value]
        if kind == "path":
            return Known(self.module.folder, Origin("")), 2
        if path[:2] == ("terraform", "workspace") and self.root.workspace:
            return Known(self.root.workspace, Origin("terraform.workspace")), 2
        if kind in ("each", "count", "self", "terraform", "var", "local", "module"):
            return Unknown(f"{'.'.join(map(str, path[:2]))} is not known here"), len(path)
        return self.resource(path)

    def read(self, path: str) -> Known | None:
        """Return the text of a file: below the tree, as `path.module` leads there, else below the root module."""
        for candidate in (path.lstrip("/"), f"{self.root.folder}/{path}"):
            file = normpath(candidate).lstrip("/")
            text = self.root.tree.text(file) if file in self.root.tree else None
            if text is not None and len(text) <= LONGEST_TEXT:
                return Known(text, Origin("file", Location(file, 1)))
        return None

    # -- variables and locals

    def variable(self, name: str) -> Setting:
        if name not in self._variables:
            self._variables[name] = self._variable(name)
        return self._variables[name]

    def _variable(self, name: str) -> Setting:
        given = self.arguments.get(name)
        block = self.module.variables.get(name)
        default = block.body.attributes.get("default") if block else None
        if default is not None and (given is None or is_null(given) and _refuses_null(block)):
            given = evaluate(default, NO_NAMES)
        if given is None:
            return Unknown(f"var.{name} has no default and no tfvars file gives it", _origin(f"var.{name}", block))
        kind = block.body.attributes.get("type") if block else None
        return _said(with_defaults(given, kind, self) if kind is not None else given, f"var.{name}")

    def local(self, name: str) -> Setting:
        if name not in self._locals:
            expression = self.module.locals.get(name)
            if expression is None:
                return Unknown(f"local.{name} is not defined")
            if name in self._busy:
                return Unknown(f"local.{name} refers to itself")
            self._busy.add(name)
            self._locals[name] = _said(evaluate(expression, self), f"local.{name}")
            self._busy.discard(name)
        return self._locals[name]

    # -- modules

    def output(self, path: tuple[str | int, ...]) -> tuple[Setting, int]:
        name, rest = str(path[1]), path[2:]
        key = rest[0] if rest and len(rest) > 1 else None
        children = self.children(name)
        child = children.get(key, children.get(None)) if key in children or None in children else None
        taken = 3 if key in children and key is not None else 2
        if child is None or len(path) <= taken:
            return reference_to(path, self.prefix), len(path)
        block = child.module.outputs.get(str(path[taken]))
        expression = block.body.attributes.get("value") if block else None
        if expression is None or ("output", path[taken]) in child._busy:
            return reference_to(path, self.prefix), len(path)
        child._busy.add(("output", path[taken]))
        value = evaluate(expression, child)
        child._busy.discard(("output", path[taken]))
        return value, taken + 1

    def children(self, name: str) -> dict[str | int | None, Scope]:
        """Return the scopes of a module call: by key for `count` and `for_each`, under None for a plain one."""
        if name not in self._children:
            self._children[name] = {}  # a module that asks for itself gets nothing
            self._children[name] = self._called(name)
        return self._children[name]

    def _called(self, name: str) -> dict[str | int | None, Scope]:
        call = self.module.calls.get(name)
        target = local_source(self.module.folder, call) if call else None
        module = self.root.modules.get(target) if target is not None else None
        if call is None or module is None or self.depth >= DEEPEST_MODULE or self.budget.steps > MOST_STEPS:
            return {}
        made: dict[str | int | None, Scope] = {}
        for key, names in _repeated(call, self):
            arguments = {
                argument: evaluate(expression, names)
                for argument, expression in call.body.attributes.items()
                if argument in module.variables
            }
            prefix = f"{self.prefix}module.{name}." + ("" if key in (None, 0) else f"{key}.")
            made[key] = Scope(self.root, module, arguments, prefix, self)
            self.budget.steps += 500  # modules that call modules multiply
        return made

    # -- resources

    def resource(self, path: tuple[str | int, ...]) -> tuple[Setting, int]:
        """Return a literal attribute of a resource of this module, else the reference that an apply would resolve."""
        if path[:2] == ("data", "template_file") and len(path) == 4 and path[3] == "rendered":
            return self._template_file(str(path[2])), 4
        if len(path) < 3 or path[0] == "data":
            return self._whole(path) or reference_to(path, self.prefix), len(path)
        block = self.module.resources.get((str(path[0]), str(path[1])))
        indexed = type(path[2]) is int or (len(path) > 3 and block is not None and "for_each" in block.body.attributes)
        attribute = path[3] if indexed and len(path) > 3 else path[2]
        if attribute == "connection_name" and (found := self._connection_name(path)):
            return found, 4 if indexed else 3
        expression = block.body.attributes.get(str(attribute)) if block and str(attribute) not in _COMPUTED else None
        busy = (*path[:2], attribute)
        if expression is None or busy in self._busy:
            return reference_to(path, self.prefix), len(path)
        self._busy.add(busy)
        names = self._names_of(block, path[2] if indexed else None)
        value = evaluate(expression, names)
        self._busy.discard(busy)
        return value, 4 if indexed else 3

    def _template_file(self, name: str) -> Setting:
        """Return `data.template_file.<name>.rendered`."""
        attributes = block.body.attributes if (block := self.module.templates.get(name)) else {}
        template, given = attributes.get("template"), attributes.get("vars")
        text = evaluate(template, self) if template is not None else None
        if not isinstance(text, Known) or not isinstance(text.value, str):
            return Unknown(f"data.template_file.{name} cannot be read")
        return rendered(text, evaluate(given, self) if given is not None else Known({}, text.origin))

    def _whole(self, path: tuple[str | int, ...]) -> Setting | None:
        """Return the parts of a repeated resource by key or index, so that a loop can go over them."""
        block = self.module.resources.get((str(path[0]), str(path[1]))) if len(path) == 2 else None
        if block is None or not {"for_each", "count"} & set(block.body.attributes):
            return None
        parts = {key: reference_to((*path, key), self.prefix) for key, _ in _repeated(block, self) if key is not None}
        if "count" in block.body.attributes:
            return Known(tuple(parts.values()), Origin("", block.location))
        return Known(parts, Origin("", block.location)) if parts else None

    def _connection_name(self, path: tuple[str | int, ...]) -> Setting | None:
        """Return `project:region:name` of a Cloud SQL instance when all three are written."""
        for part in self.parts(str(path[0])):
            if part.kind == "google_sql_database_instance" and part.label == path[1] and part.key in (None, path[2], 0):
                name = connection_name(part)
                return Known(name, Origin("connection_name", part.location)) if name else None
        return None

    def _names_of(self, block: hcl.Block, key: str | int | None) -> Names:
        return next((names for k, names in _repeated(block, self) if k == key), self)

    def everywhere(self, *types: str) -> Iterator[Part]:
        """Yield the resources of these types in the whole configuration, not only in this module."""
        for scope in self.top.all:
            yield from scope.parts(*types)

    @cached_property
    def all(self) -> tuple[Scope, ...]:
        return tuple(self.below())

    def provider(self, name: str, attribute: str) -> str | None:
        """Return what the root module's provider block says: `project` of "google"."""
        block = self.top.module.providers.get(name)
        expression = block.body.attributes.get(attribute) if block else None
        setting = evaluate(expression, self.top) if expression else None
        plain = (
            isinstance(setting, Known) and isinstance(setting.value, str) and not isinstance(setting.value, Reference)
        )
        return setting.value if plain else None  # type: ignore[union-attr]

    def parts(self, *types: str) -> Iterator[Part]:
        """Yield every resource of these types, as often as `count` and `for_each` make it."""
        for (kind, label), block in self.module.resources.items():
            if kind not in types:
                continue
            if (kind, label) not in self._parts:
                self._parts[kind, label] = list(self._made(block, kind, label))
            yield from self._parts[kind, label]

    def module_calls(self) -> Iterator[Part]:
        """Yield every call of a module that is not here, as often as `count` and `for_each` make it."""
        for name, block in self.module.calls.items():
            if local_source(self.module.folder, block) is None:
                yield from self._made(block, "module", name)

    def _made(self, block: hcl.Block, kind: str, label: str) -> Iterator[Part]:
        for key, names in _repeated(block, self):
            address = f"{self.prefix}{kind}.{label}" + ("" if key in (None, 0) else f".{key}")
            yield Part(self, names, block.body, block.location, address, kind, label, key)


_COMPUTED = frozenset(("id", "arn", "self_link", "secret_id"))  # written or not, they name the resource


def reference_to(path: tuple[str | int, ...], prefix: str) -> Known:
    """Return the token of a traversal; `[0]` of a resource is the resource, as for `count = var.enabled ? 1 : 0`."""
    steps = [step for position, step in enumerate(path) if not (step in (0, "0") and position == 2)]
    head = prefix + str(steps[0]) if prefix and steps[0] != "data" else steps[0]
    return Known(reference(head, *steps[1:]), Origin(""))


def _repeated(block: hcl.Block, scope: Scope) -> list[tuple[str | int | None, Names]]:
    """Return (key, names) for each thing a block stands for: one without a key when nothing says how many."""
    attributes = block.body.attributes
    if "for_each" in attributes:
        items = pairs_of(evaluate(attributes["for_each"], scope))
        return (
            [(None, scope)] if items is None else [_bound_each(scope, key, value) for key, value in items[:MOST_PARTS]]
        )
    if "count" in attributes:
        setting = evaluate(attributes["count"], scope)
        count = numeric(setting.value) if isinstance(setting, Known) else None
        if count is None:
            return [(None, scope)]
        return [_bound_count(scope, index) for index in range(min(int(count), MOST_PARTS))]
    return [(None, scope)]


def _bound_each(scope: Scope, key: Known, value: Setting) -> tuple[str, Names]:
    # Over a set, each.key is each.value.
    name = value if type(key.value) is int and isinstance(value, Known) else key
    each = Known({"key": name, "value": value}, Origin(""))
    return str(name.value), Bound(scope, {"each": each})


def _bound_count(scope: Scope, index: int) -> tuple[int, Names]:
    return index, Bound(scope, {"count": Known({"index": Known(index, Origin(""))}, Origin(""))})


def _refuses_null(block: hcl.Block) -> bool:
    nullable = block.body.attributes.get("nullable")
    setting = evaluate(nullable, NO_NAMES) if nullable is not None else None
    return isinstance(setting, Known) and setting.value is False


def _said(setting: Setting, says: str) -> Setting:
    """Name a value that has no name yet."""
    if setting.origin.says or isinstance(setting, Unknown) and not setting.origin.location:
        return setting
    return replace(setting, origin=replace(setting.origin, says=says))


def _origin(says: str, block: hcl.Block | None) -> Origin:
    return Origin(says, block.location if block else None)
