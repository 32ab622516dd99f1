"""Reads a table by the server-side cursors of psycopg, SQLAlchemy, Django and asyncpg; prints one JSON document.

The argument is the schema that the table `clients` is read from: around the proxy a view of what the purpose permits.
The connection comes from PG*.
"""

import asyncio
import json
import os
import sys

import asyncpg
import django
import psycopg
import sqlalchemy
import sqlalchemy.orm
from django.conf import settings

SCHEMA = sys.argv[1]
TABLE = f"{SCHEMA}.clients"
OPTIONS = f"-c wherefore.purpose={os.environ['PURPOSE']}"
PORT, DATABASE, USER = (os.environ[name] for name in ["PGPORT", "PGDATABASE", "PGUSER"])


def plain(rows):
    return [[repr(value) for value in row] for row in rows]


def of_psycopg():
    with psycopg.connect() as connection:
        with connection.cursor(name="named") as cursor:
            cursor.execute(f"SELECT * FROM {TABLE} WHERE id > %s ORDER BY id", [3])
            named = [plain(cursor.fetchmany(5)), plain(cursor.fetchone() for _ in range(2)), plain(cursor)]
        with connection.cursor(name="scrolled", scrollable=True) as cursor:
            cursor.execute(f"SELECT id, email FROM {TABLE} ORDER BY id DESC")
            first = plain(cursor.fetchmany(4))
            cursor.scroll(-2)
            back = plain(cursor.fetchmany(2))
            cursor.scroll(5, mode="absolute")
            scrolled = [first, back, plain(cursor.fetchall())]
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(f"DECLARE declared CURSOR FOR SELECT id, upper(email) FROM {TABLE} WHERE email IS NULL ORDER BY id")
            cursor.execute("FETCH 3 FROM declared")
            declared = plain(cursor)
            moved = cursor.execute("MOVE 2 FROM declared").statusmessage
            declared += [moved, plain(cursor.execute("FETCH ALL FROM declared"))]
            cursor.execute("CLOSE declared")
        streamed = plain(connection.cursor().stream(f"SELECT id, name FROM {TABLE} WHERE name < %s ORDER BY id", ["d"]))
        chunks = plain(connection.cursor().stream(f"SELECT id, name, email FROM {TABLE} ORDER BY id", binary=True))
    return {"named": named, "scrolled": scrolled, "declared": declared, "streamed": streamed, "chunks": chunks}


def of_sqlalchemy():
    url = f"postgresql+psycopg://{USER}@127.0.0.1:{PORT}/{DATABASE}"
    engine = sqlalchemy.create_engine(url, connect_args={"options": OPTIONS})
    columns = [sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True), sqlalchemy.Column("name", sqlalchemy.Text),
               sqlalchemy.Column("email", sqlalchemy.Text), sqlalchemy.Column("consent", sqlalchemy.Boolean)]
    clients = sqlalchemy.Table("clients", sqlalchemy.MetaData(), *columns, schema=SCHEMA)
    select = sqlalchemy.select(clients).order_by(clients.c.id)
    with engine.connect() as connection:
        streaming = connection.execution_options(stream_results=True, max_row_buffer=4)
        results = plain(streaming.execute(select))
        partitions = [plain(part) for part in connection.execution_options(yield_per=6).execute(select).partitions()]

    class Client:
        pass

    mapper = sqlalchemy.orm.registry()
    mapper.map_imperatively(Client, clients)
    with sqlalchemy.orm.Session(engine) as session:
        query = sqlalchemy.select(Client).where(Client.name.like("%e%")).order_by(Client.id)
        mapped = [[client.id, client.email] for client in session.scalars(query.execution_options(yield_per=3))]
    engine.dispose()
    return {"results": results, "partitions": partitions, "mapped": mapped}


def of_django():
    settings.configure(DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": DATABASE, "HOST": "127.0.0.1", "PORT": PORT, "USER": USER,
        "OPTIONS": {"options": OPTIONS}}})
    django.setup()
    from django.db import models, transaction

    class Client(models.Model):
        name = models.TextField()
        email = models.TextField(null=True)
        consent = models.BooleanField()

        class Meta:
            app_label = "cursors"
            db_table = f'{SCHEMA}"."clients'

    rows = lambda query, size: [[c.id, c.name, c.email] for c in query.iterator(chunk_size=size)]
    # Outside of a transaction Django declares its cursors WITH HOLD, and these are refused where rows are filtered.
    with transaction.atomic():
        filtered = rows(Client.objects.filter(name__gt="b").order_by("id"), 4)
        every = rows(Client.objects.order_by("-id"), 3)
        values = list(Client.objects.filter(email=None).values_list("id", "email").order_by("id").iterator(chunk_size=2))
    return {"filtered": filtered, "every": every, "values": values}


async def of_asyncpg():
    connection = await asyncpg.connect(ssl=False, server_settings={"wherefore.purpose": os.environ["PURPOSE"]})
    async with connection.transaction():
        iterated = [plain([record.values()]) async for record in
                    connection.cursor(f"SELECT * FROM {TABLE} WHERE id > $1 ORDER BY id", 2, prefetch=3)]
        cursor = await connection.cursor(f"SELECT id, email FROM {TABLE} ORDER BY id")
        first = await cursor.fetch(4)
        # A statement of another kind in between.
        between = await connection.fetchval(f"SELECT count(*) FROM {TABLE}")
        await cursor.forward(2)
        rest = [plain([record.values()]) for record in first + [await cursor.fetchrow()] + await cursor.fetch(100)]
        statement = await connection.prepare(f"SELECT name, email FROM {TABLE} WHERE name > $1 ORDER BY id")
        prepared = [plain([record.values()]) async for record in statement.cursor("c", prefetch=2)]
    await connection.close()
    return {"iterated": iterated, "between": between, "rest": rest, "prepared": prepared}


print(json.dumps({
    "psycopg": of_psycopg(),
    "sqlalchemy": of_sqlalchemy(),
    "django": of_django(),
    "asyncpg": asyncio.run(of_asyncpg()),
}, indent=1, sort_keys=True))
