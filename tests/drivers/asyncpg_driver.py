"""Runs the queries through asyncpg in every form it has; prints one JSON document. The connection comes from PG*."""

import asyncio
import json
import os
import sys

import asyncpg


async def outcome(run):
    """What the coroutine made by `run` answers, or the error's fields."""
    try:
        return await run()
    except asyncpg.PostgresError as error:
        return {"error": [error.sqlstate, error.message, error.position]}


def rows(records):
    return [[repr(value) for value in record.values()] for record in records]


async def forms(connection, query):
    """One query as a simple, an extended, and a prepared statement, and through a cursor."""
    sql, params = query["sql"], query["params"]

    async def extended():
        return {"rows": rows(await connection.fetch(sql, *params))}

    async def prepared():
        statement = await connection.prepare(sql)
        columns = [[column.name, column.type.name] for column in statement.get_attributes()]
        parameters = [parameter.name for parameter in statement.get_parameters()]
        first, again = rows(await statement.fetch(*params)), rows(await statement.fetch(*params))
        return {"columns": columns, "parameters": parameters, "rows": first, "again": again,
                "tag": statement.get_statusmsg()}

    async def portal():
        async with connection.transaction():
            cursor = await connection.cursor(sql, *params)
            return {"rows": rows(await cursor.fetch(2)), "rest": rows(await cursor.fetch(1000))}

    async def simple():
        return {"tag": await connection.execute(sql)}

    result = {"extended": await outcome(extended), "prepared": await outcome(prepared), "cursor": await outcome(portal)}
    if not params:
        result["simple"] = await outcome(simple)
    return result


async def failed_transaction(connection, failing):
    """The state that a failing statement leaves a transaction in, and that a savepoint gets it out of."""
    states = []
    for statement in ["BEGIN", "SELECT 1", "SAVEPOINT s", failing, "SELECT 2", "ROLLBACK TO s", "SELECT 3", "COMMIT"]:
        try:
            await connection.fetch(statement)
            states.append("ok")
        except asyncpg.PostgresError as error:
            states.append("25P02" if error.sqlstate == "25P02" else "failed")
        states.append(connection.is_in_transaction())
    return states


async def main():
    queries = json.load(open(sys.argv[1]))
    failing = sys.argv[2]
    connection = await asyncpg.connect(ssl=False, server_settings={"wherefore.purpose": os.environ["PURPOSE"]})
    answers = {query["name"]: await forms(connection, query) for query in queries}
    # executemany sends its Binds and Executes in one go.
    await connection.executemany("SELECT count(*) FROM notes WHERE id > $1", [(1,), (2,), (3,)])
    report = {
        "answers": answers,
        "failed transaction": await failed_transaction(connection, failing),
        "alive": await connection.fetchval("SELECT 5"),
        "settings": {name: getattr(connection.get_settings(), name) for name in
                     ["client_encoding", "server_version", "TimeZone", "standard_conforming_strings"]},
    }
    await connection.close()
    print(json.dumps(report, indent=1, sort_keys=True))


asyncio.run(main())
