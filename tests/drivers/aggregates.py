"""Holds what a purpose is told in aggregates against a computation of our own over the raw data, by pandas.

The argument is the port of the server around the proxy; the connection through it comes from PG*. Prints one JSON document
with counts; ends with an error where a group is told of too few people, a value is wrong, or a total gives a suppressed
group away.
"""

import itertools
import json
import os
import sys

import numpy
import pandas
import psycopg

LEAST = 6
COLUMNS = ["id", "person_id", "city", "team", "grade", "pay", "bonus"]

# What is asked: SQL, the column that it computes with, and how pandas does.
TOLD = [
    ("count(*)", None, lambda rows: len(rows)),
    ("count(pay)", "pay", lambda rows: rows["pay"].count()),
    ("sum(pay)", "pay", lambda rows: rows["pay"].sum()),
    ("sum(bonus)", "bonus", lambda rows: rows["bonus"].sum()),
    ("avg(pay)", "pay", lambda rows: rows["pay"].mean()),
    ("var_pop(pay)", "pay", lambda rows: rows["pay"].var(ddof=0)),
    ("count(DISTINCT grade)", "grade", lambda rows: rows["grade"].nunique()),
]
CONDITIONS = [
    ("true", lambda raw: raw["id"] > 0),
    ("pay > 2300", lambda raw: raw["pay"] > 2300),
    ("city <> 'Bern'", lambda raw: raw["city"] != "Bern"),
    ("id % 3 = 0 AND grade IN ('a', 'b')", lambda raw: (raw["id"] % 3 == 0) & raw["grade"].isin(["a", "b"])),
]
KEYS = [(), ("city",), ("grade",), ("city", "team"), ("team", "grade")]
FILTERED = ("sum(pay) FILTER (WHERE bonus > 60)", lambda rows: rows["bonus"] > 60)


def people(rows):
    return rows["person_id"].nunique()


def some_but_few(number):
    return 0 < number < LEAST


def sets_of(keys, shape):
    """The grouping sets of a shape, the finest first."""
    if shape == "ROLLUP":
        return [keys[:length] for length in range(len(keys), -1, -1)]
    if shape == "CUBE":
        return [chosen for length in range(len(keys), -1, -1) for chosen in itertools.combinations(keys, length)]
    return [keys]


def groups(rows, keys):
    """The groups of some rows by their keys; without keys all of them."""
    if not keys:
        return {(): rows}
    return {key if isinstance(key, tuple) else (key,): group for key, group in rows.groupby(list(keys), dropna=False)}


def contributors(rows, column, condition):
    """Who contributes to an aggregate, and whom its filter leaves out."""
    rows = rows if column is None else rows[rows[column].notna()]
    if condition is None:
        return people(rows), 0
    inside = condition(rows)
    return people(rows[inside]), people(rows[~inside])


def same(told, computed):
    return abs(float(told) - float(computed)) <= 1e-9 * max(1.0, abs(float(computed)))


def given_away(equations, cells):
    """The cells whose value follows from sums of cells that are told."""
    if not equations:
        return []
    matrix = numpy.array(equations, dtype=float)
    rank = numpy.linalg.matrix_rank(matrix)
    unit = numpy.eye(matrix.shape[1])
    return [cell for cell in cells if numpy.linalg.matrix_rank(numpy.vstack([matrix, unit[cell]])) == rank]


def check(connection, raw, keys, shape, condition, counts):
    where, chosen = condition
    rows = raw[chosen(raw)]
    told = [(*one, None) for one in TOLD] + [(FILTERED[0], "pay", lambda rows: rows["pay"].sum(), FILTERED[1])]
    grouped = f" GROUP BY {shape} ({', '.join(keys)})" if keys else ""
    grouping = f"GROUPING({', '.join(keys)})" if keys else "0"
    query = f"SELECT {', '.join([*keys, grouping, *(sql for sql, *_ in told)])} FROM wages WHERE {where}{grouped}"
    answer = connection.execute(query).fetchall()
    sets = sets_of(keys, shape)
    by_mask = {sum(1 << (len(keys) - 1 - keys.index(key)) for key in keys if key not in part): part for part in sets}
    finest = list(groups(rows, keys).items())
    shown = {}
    equations = {sql: [] for sql, *_ in told}
    for row in answer:
        part = by_mask[row[len(keys)]]
        cell = tuple(value for key, value in zip(keys, row) if key in part)
        below = groups(rows, part).get(cell, rows.iloc[0:0])
        assert (part, cell) not in shown, f"{query}: {cell} twice"
        shown[part, cell] = row
        counts["groups"] += 1
        if keys:
            assert people(below) >= LEAST, f"{query}: {cell} is told of {people(below)} people"
        members = [all(dict(zip(keys, key))[name] == value for name, value in zip(part, cell)) for key, _ in finest]
        for (sql, column, compute, of), value in zip(told, row[len(keys) + 1:]):
            own, others = contributors(below, column, of)
            complete = all(
                not some_but_few(number)
                for (_, group), member in zip(finest, members) if member
                for number in contributors(group, column, of)
            )
            expected = own >= LEAST and not some_but_few(others) and (part == keys or complete)
            assert (value is not None) == expected, f"{query}: {sql} of {cell} is {value}, over {own} people"
            if value is None:
                counts["suppressed"] += 1
                continue
            counts["told"] += 1
            computed = compute(below if of is None else below[of(below)])
            assert same(value, computed), f"{query}: {sql} of {cell} is {value}, not {computed}"
            equations[sql].append([float(member) for member in members])
    # Every group of enough people is there.
    for part in sets if keys else []:
        for cell, group in groups(rows, part).items():
            assert people(group) < LEAST or (part, cell) in shown, f"{query}: {cell} is missing"
    # No sum or difference of what is told is that of a group of too few.
    for sql, column, _, of in told:
        few = [at for at, (_, group) in enumerate(finest) if some_but_few(contributors(group, column, of)[0])]
        counts["hidden cells"] += len(few)
        assert not given_away(equations[sql], few), f"{query}: {sql} of {[finest[at][0] for at in few]} is given away"
    counts["statements"] += 1


def main():
    counts = dict.fromkeys(["statements", "groups", "told", "suppressed", "hidden cells"], 0)
    with psycopg.connect(port=int(sys.argv[1]), options="") as around:
        raw = pandas.DataFrame(around.execute(f"SELECT {', '.join(COLUMNS)} FROM wages").fetchall(), columns=COLUMNS)
    raw["bonus"] = raw["bonus"].astype(float)
    with psycopg.connect(port=int(os.environ["PGPORT"])) as through:
        for keys, condition in itertools.product(KEYS, CONDITIONS):
            for shape in ["", "ROLLUP", "CUBE"] if keys else [""]:
                check(through, raw, keys, shape, condition, counts)
    print(json.dumps(counts))


main()
