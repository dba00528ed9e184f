"""What a pooler opens towards a database: one pool for each user and database that its clients name.

PgBouncer's words: `pool_size` (else `default_pool_size`) and `reserve_pool_size` are per pool, `max_db_connections` is per
database, `max_user_connections` per user; all of them hold in each replica.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from poollint.arithmetic import MULTIPLE, grouped
from poollint.facts import NO_CEILING, Client, Known, Origin, Pooler, Setting, Unknown, value_of, weakest


@dataclass(frozen=True, slots=True)
class ServerSide:
    """What a pooler opens towards the database: its pools, capped, times its replicas; `databases` have a cap each."""

    pooler: Pooler
    clients: tuple[Client, ...]
    total: Setting
    factors: tuple[tuple[str, Setting], ...]
    formula: str
    databases: int = 1


@dataclass(frozen=True, slots=True)
class _Door:
    """One database of the pooler: how many users come, and how large the pool of each is."""

    pools: int
    size: Setting


def server_side(pooler: Pooler, clients: tuple[Client, ...]) -> ServerSide:
    """Return what a pooler may hold at the server; users and databases that no URL names add nothing."""
    doors = _doors(pooler, clients)
    factors = tuple(_factors(pooler, doors))
    if not all(isinstance(door.size, Known) for door in doors):
        return ServerSide(pooler, clients, Unknown("its pool size is not known"), factors, "")
    reserve, copies = value_of(pooler.reserve_pool_size, 0), value_of(pooler.replicas) or 1
    one, cap = _one_replica(pooler, doors, reserve, len(_users(clients)) or 1)
    used = tuple((name, setting) for name, setting in factors if isinstance(setting, Known))
    total = Known(int(one * copies), Origin("server side of " + pooler.name), weakest(setting for _, setting in used))
    text = f"{grouped(one)} ({cap})" if cap else _sum(doors, reserve)
    text = f"{copies} replicas {MULTIPLE} {text}" if copies > 1 else text
    return ServerSide(pooler, clients, total, used, text, len(doors))


def _one_replica(pooler: Pooler, doors: Sequence[_Door], reserve: int, users: int) -> tuple[int, str]:
    """Return what one replica holds, and the name of the setting that caps it."""
    by_database = value_of(pooler.max_db_connections) or NO_CEILING
    by_user = (value_of(pooler.max_user_connections) or NO_CEILING) * users
    sizes = [door.pools * (value_of(door.size) + reserve) for door in doors]
    held = sum(min(size, by_database) for size in sizes)
    if by_user < held:
        return int(by_user), "max_user_connections"
    return int(held), "max_db_connections" if any(size >= by_database for size in sizes) else ""


def _doors(pooler: Pooler, clients: Iterable[Client]) -> list[_Door]:
    users: dict[str, set[int]] = {}
    for client in clients:
        for pool in client.live:
            target = value_of(pool.target)
            name = target.database if target is not None and target.database else ""
            users.setdefault(name, set()).update({pool.user} if pool.user is not None else ())
    if len(users) > 1:
        users.pop("", None)  # whoever does not say its database may mean one of the others
    return [_door(pooler, name, len(found)) for name, found in sorted(users.items())]


def _door(pooler: Pooler, name: str, users: int) -> _Door:
    entry = name if name in pooler.backends or name in pooler.sizes else "*"
    pools = 1 if entry in pooler.single_users else max(1, users)
    return _Door(pools, pooler.sizes.get(entry, pooler.pool_size))


def _users(clients: Iterable[Client]) -> set[int]:
    return {pool.user for client in clients for pool in client.live if pool.user is not None}


def _factors(pooler: Pooler, doors: Sequence[_Door]) -> Iterable[tuple[str, Setting]]:
    pools = sum(door.pools for door in doors)
    yield "pools", Known(pools, Origin(f"{_what(doors)} its clients name"))
    for size in dict.fromkeys(door.size for door in doors):
        yield "default_pool_size" if size == pooler.pool_size else "pool_size", size
    yield "replicas", pooler.replicas
    yield "max_db_connections", pooler.max_db_connections
    if value_of(pooler.max_user_connections, NO_CEILING) != NO_CEILING:
        yield "max_user_connections", pooler.max_user_connections


def _what(doors: Sequence[_Door]) -> str:
    if len(doors) == 1:
        return "users" if doors[0].pools > 1 else "databases"
    return "databases" if all(door.pools == 1 for door in doors) else "pairs of user and database"


def _sum(doors: Sequence[_Door], reserve: int) -> str:
    """Return `3 databases × (20 + 5)`, or `30 + 2 × 5` where they have sizes of their own."""
    sizes = {value_of(door.size) for door in doors}
    if len(sizes) == 1:
        pools, each = sum(door.pools for door in doors), _each(doors[0], reserve)
        return each if pools == 1 else f"{pools} {_what(doors)} {MULTIPLE} {each}"
    terms = (f"{door.pools} {MULTIPLE} {_each(door, reserve)}" if door.pools > 1 else _each(door, reserve) for door in doors)
    return " + ".join(terms)


def _each(door: _Door, reserve: int) -> str:
    size = value_of(door.size)
    return f"({size} + {reserve})" if reserve else grouped(size)
