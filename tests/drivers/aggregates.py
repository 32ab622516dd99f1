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
COLUMNS = ["id", "person_id", "city", "team", "grade", "pay", "bonus", "rate"]

# What is asked: SQL, the columns that it computes with, how pandas does, and by what it is filtered.
ALONE = [
    ("count(*)", [], len, None),
    ("count(pay)", ["pay"], lambda rows: rows["pay"].count(), None),
    ("sum(pay)", ["pay"], lambda rows: rows["pay"].sum(), None),
    ("sum(bonus)", ["bonus"], lambda rows: rows["bonus"].sum(), None),
    ("avg(pay)", ["pay"], lambda rows: rows["pay"].mean(), None),
    ("var_pop(pay)", ["pay"], lambda rows: rows["pay"].var(ddof=0), None),
    ("count(DISTINCT grade)", ["grade"], lambda rows: rows["grade"].nunique(), None),
    ("sum(pay) FILTER (WHERE bonus > 60)", ["pay"], lambda rows: rows["pay"].sum(), lambda rows: rows["bonus"] > 60),
]
PAIRS = [
    ("sum(pay)", ["pay"], lambda rows: rows["pay"].sum(), None),
    ("sum(rate)", ["rate"], lambda rows: rows["rate"].sum(), None),
    ("regr_count(pay, rate)", ["pay", "rate"], len, None),
    ("regr_avgy(pay, rate)", ["pay", "rate"], lambda rows: rows["pay"].mean(), None),
    ("covar_pop(rate, pay)", ["rate", "pay"], lambda rows: rows["pay"].cov(rows["rate"], ddof=0), None),
]
CONDITIONS = [
    ("true", lambda raw: raw["id"] > 0),
    ("pay > 2300", lambda raw: raw["pay"] > 2300),
    ("city <> 'Bern'", lambda raw: raw["city"] != "Bern"),
    ("id % 3 = 0 AND grade IN ('a', 'b')", lambda raw: (raw["id"] % 3 == 0) & raw["grade"].isin(["a", "b"])),
]
KEYS = [(), ("city",), ("grade",), ("city", "team"), ("team", "grade")]


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


def contributing(rows, columns, condition):
    """The rows that an aggregate is over."""
    rows = rows[rows[columns].notna().all(axis=1)]
    return rows if condition is None else rows[condition(rows)]


def numbers(rows, columns, condition):
    """How many people contribute to an aggregate, and how many are left out by its filter or for the other of two columns."""
    left_out = [rows[rows[column].notna() & rows[columns].isna().any(axis=1)] for column in columns if len(columns) > 1]
    if condition is not None:
        whole = contributing(rows, columns, None)
        left_out.append(whole[~condition(whole)])
    return [people(contributing(rows, columns, condition)), *map(people, left_out)]


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


def check(connection, raw, keys, shape, condition, told, counts):
    where, chosen = condition
    rows = raw[chosen(raw)]
    grouped = f" GROUP BY {shape} ({', '.join(keys)})" if keys else ""
    grouping = f"GROUPING({', '.join(keys)})" if keys else "0"
    query = f"SELECT {', '.join([*keys, grouping, *(sql for sql, *_ in told)])} FROM wages WHERE {where}{grouped}"
    answer = connection.execute(query).fetchall()
    sets = sets_of(keys, shape)
    by_mask = {sum(1 << (len(keys) - 1 - keys.index(key)) for key in keys if key not in part): part for part in sets}
    cells = {part: groups(rows, part) for part in sets}
    finest = list(cells[keys].items())
    counted = {sql: [numbers(group, columns, of) for _, group in finest] for sql, columns, _, of in told}
    shown = {}
    equations = {sql: [] for sql, *_ in told}
    for row in answer:
        part = by_mask[row[len(keys)]]
        cell = tuple(value for key, value in zip(keys, row) if key in part)
        below = cells[part].get(cell, rows.iloc[0:0])
        assert (part, cell) not in shown, f"{query}: {cell} twice"
        shown[part, cell] = row
        counts["groups"] += 1
        if keys:
            assert people(below) >= LEAST, f"{query}: {cell} is told of {people(below)} people"
        members = [all(dict(zip(keys, key))[name] == value for name, value in zip(part, cell)) for key, _ in finest]
        for (sql, columns, compute, of), value in zip(told, row[len(keys) + 1:]):
            own, *left_out = numbers(below, columns, of)
            complete = part == keys or not any(
                some_but_few(number) for of_cell, member in zip(counted[sql], members) if member for number in of_cell
            )
            expected = own >= LEAST and not any(map(some_but_few, left_out)) and complete
            assert (value is not None) == expected, f"{query}: {sql} of {cell} is {value}, over {own} people"
            if value is None:
                counts["suppressed"] += 1
                continue
            counts["told"] += 1
            computed = compute(contributing(below, columns, of))
            assert same(value, computed), f"{query}: {sql} of {cell} is {value}, not {computed}"
            equations[sql].append([float(member) for member in members])
    # Every group of enough people is there.
    for part in sets if keys else []:
        for cell, group in cells[part].items():
            assert people(group) < LEAST or (part, cell) in shown, f"{query}: {cell} is missing"
    # No sum or difference of what is told is that of a group of too few.
    for sql, *_ in told:
        few = [at for at in range(len(finest)) if some_but_few(counted[sql][at][0])]
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
                for told in [ALONE, PAIRS]:
                    check(through, raw, keys, shape, condition, told, counts)
    print(json.dumps(counts))


main()
