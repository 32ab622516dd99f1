-- What aggregates.sql is about: people with open and closed columns, and a table of which nothing is shown row by row.
CREATE TABLE teams (id int PRIMARY KEY, label text NOT NULL, place text);
CREATE TABLE rates (place text, rate int);
CREATE TABLE staff (
    id int PRIMARY KEY, name text NOT NULL, city text, team_id int REFERENCES teams (id),
    pay int, bonus numeric(10, 2), rating float8, grade text, hired date, remote boolean, notes jsonb,
    consent boolean NOT NULL DEFAULT true
);
CREATE TABLE orphans (id int PRIMARY KEY, person_id int, city text, pay int);
CREATE TABLE usage_events (
    id bigint PRIMARY KEY, person_id int NOT NULL, feature text, minutes int, at timestamptz
);
CREATE TABLE visits (id int PRIMARY KEY, staff_id int NOT NULL REFERENCES staff (id), place text);
CREATE TABLE visit_notes (id int PRIMARY KEY, visit_id int NOT NULL REFERENCES visits (id), kind text, minutes int);
CREATE VIEW pay_by_city AS SELECT city, avg(pay) AS average, count(*) AS people FROM staff GROUP BY city;
CREATE VIEW events_counted AS SELECT count(*) AS n FROM usage_events;
CREATE VIEW staff_with_pay AS SELECT id, name, city, pay FROM staff;
CREATE AGGREGATE most_of (int) (SFUNC = int4larger, STYPE = int);
