"""Runs the queries through psycopg in every form it has; prints one JSON document. The connection comes from PG*."""

import json
import sys

import psycopg


def outcome(run):
    """The rows, column names and types, and the command tag that `run` leaves in a cursor; or the error's fields."""
    try:
        cursor = run()
    except psycopg.Error as error:
        fields = error.diag
        return {"error": [error.sqlstate, fields.message_primary, fields.statement_position]}
    columns = [[column.name, column.type_code] for column in cursor.description or []]
    return {"columns": columns, "rows": [[repr(value) for value in row] for row in cursor], "tag": cursor.statusmessage}


def forms(connection, query):
    """One query as a simple, an extended, a prepared and a binary statement."""
    sql, params = query["sql"], query["params"]
    raw = lambda: psycopg.RawCursor(connection)
    result = {
        "extended": outcome(lambda: raw().execute(sql, params)),
        "prepared": outcome(lambda: raw().execute(sql, params, prepare=True)),
        "again": outcome(lambda: raw().execute(sql, params, prepare=True)),
        "binary": outcome(lambda: raw().execute(sql, params, binary=True)),
    }
    if not params:
        result["simple"] = outcome(lambda: connection.execute(sql))
    return result


def pipelined(connection, queries):
    """All queries that succeed, sent before the first answer is read."""
    with connection.pipeline():
        cursors = [psycopg.RawCursor(connection).execute(query["sql"], query["params"]) for query in queries]
    return [[[repr(value) for value in row] for row in cursor] for cursor in cursors]


def broken_pipeline(connection, failing):
    """What is left of a pipeline whose third statement fails: which statements answered, and the state afterwards."""
    steps = ["SELECT 1", "SELECT 2", failing, "SELECT 4"]
    answered = []
    try:
        with connection.pipeline():
            cursors = [connection.execute(sql) for sql in steps]
            for cursor in cursors:
                answered.append(repr(cursor.fetchone()))
    except psycopg.Error:
        answered.append("failed")
    return {"answered": answered, "status": connection.info.transaction_status.name,
            "alive": repr(connection.execute("SELECT 5").fetchone())}


def failed_transaction(connection, failing):
    """The state that a failing statement leaves a transaction in, and that a savepoint gets it out of."""
    states = []
    note = lambda: states.append(connection.info.transaction_status.name)
    for statement in ["BEGIN", "SELECT 1", "SAVEPOINT s", failing, "SELECT 2", "ROLLBACK TO s", "SELECT 3", "COMMIT"]:
        try:
            connection.execute(statement)
            states.append("ok")
        except psycopg.Error as error:
            states.append("25P02" if error.sqlstate == "25P02" else "failed")
        note()
    return states


def main():
    queries = json.load(open(sys.argv[1]))
    failing = sys.argv[2]
    with psycopg.connect(autocommit=True) as connection:
        answers = {query["name"]: forms(connection, query) for query in queries}
        good = [query for query in queries if "error" not in answers[query["name"]]["extended"]]
        print(json.dumps({
            "answers": answers,
            "pipelined": pipelined(connection, good),
            "broken pipeline": broken_pipeline(connection, failing),
            "failed transaction": failed_transaction(connection, failing),
            "encoding": connection.info.encoding,
            "server": connection.info.server_version,
        }, indent=1, sort_keys=True))


main()
