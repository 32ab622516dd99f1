"""Makes tables and uses them in the same transaction, as psycopg, asyncpg, SQLAlchemy's create_all and Django's migrations
do; prints what was read. The connection comes from PG*, and may define. Everything is undone, or dropped, in the end.
"""

import asyncio
import os

import asyncpg
import django
import psycopg
import sqlalchemy
from django.conf import settings
from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

OPTIONS = f"-c wherefore.purpose={os.environ['PURPOSE']}"
PORT, DATABASE, USER = (os.environ[name] for name in ["PGPORT", "PGDATABASE", "PGUSER"])
CREATE = "CREATE TABLE made (id serial PRIMARY KEY, label text NOT NULL)"


def of_psycopg():
    with psycopg.connect() as connection:
        with connection.transaction(force_rollback=True):
            connection.execute(CREATE)
            connection.execute("INSERT INTO made (label) VALUES (%s), (%s)", ["a", "b"])
            print("psycopg", connection.execute("SELECT * FROM made ORDER BY id").fetchall())
            with connection.transaction(force_rollback=True):
                connection.execute("CREATE VIEW shown AS SELECT label FROM made WHERE id > 1")
                print("nested", connection.execute("SELECT * FROM shown").fetchall())
            with connection.cursor() as cursor:
                with cursor.copy("COPY made (label) FROM STDIN") as copy:
                    copy.write_row(["c"])
                cursor.executemany("INSERT INTO made (label) VALUES (%s)", [["d"], ["e"]])
            with connection.cursor(name="named") as cursor:
                cursor.execute("SELECT label FROM made ORDER BY id")
                print("cursor", cursor.fetchmany(2), cursor.fetchall())
        with connection.pipeline(), connection.transaction(force_rollback=True):
            connection.execute(CREATE)
            connection.execute("INSERT INTO made (label) VALUES (%s)", ["piped"])
            print("pipeline", connection.execute("SELECT * FROM made").fetchall())


async def of_asyncpg():
    connection = await asyncpg.connect(server_settings={"wherefore.purpose": os.environ["PURPOSE"]})
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(CREATE)
    await connection.execute("INSERT INTO made (label) VALUES ($1)", "one")
    await connection.executemany("INSERT INTO made (label) VALUES ($1)", [("two",), ("three",)])
    print("asyncpg", [tuple(row) for row in await connection.fetch("SELECT * FROM made WHERE id < $1 ORDER BY id", 3)])
    await connection.copy_records_to_table("made", records=[("four",)], columns=["label"])
    print("copied", await connection.fetchval("SELECT max(id) FROM made"))
    await transaction.rollback()
    await connection.close()


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")


class Review(Base):
    __tablename__ = "reviews"
    id: Mapped[int] = mapped_column(primary_key=True)
    stars: Mapped[int]
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))


def of_sqlalchemy():
    engine = sqlalchemy.create_engine("postgresql+psycopg://", connect_args={"options": OPTIONS})
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        with Session(connection) as session:
            session.add(Author(name="A", books=[Book(title="x"), Book(title="y")]))
            session.flush()
            counted = select(Author.name, func.count(Book.id)).join(Book).group_by(Author.name)
            print("sqlalchemy", [tuple(row) for row in session.execute(counted)])
        found = sqlalchemy.inspect(connection)
        print("inspected", sorted(found.get_table_names()), found.get_foreign_keys("reviews")[0]["referred_table"])
        Base.metadata.drop_all(connection)


def of_django():
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": DATABASE, "USER": USER, "HOST": os.environ["PGHOST"], "PORT": PORT}
    settings.configure(DATABASES={"default": {**database, "OPTIONS": {"options": OPTIONS}}}, INSTALLED_APPS=[])
    django.setup()
    from django.db import connection, models, transaction

    class Label(models.Model):
        text = models.CharField(max_length=20, unique=True)

        class Meta:
            app_label = "made"
            db_table = "labels"

    with transaction.atomic():
        with connection.schema_editor() as editor:
            editor.create_model(Label)
        Label.objects.create(text="django")
        print("django", list(Label.objects.values_list("text", flat=True)))
        with connection.schema_editor() as editor:
            editor.delete_model(Label)


of_psycopg()
asyncio.run(of_asyncpg())
of_sqlalchemy()
of_django()
