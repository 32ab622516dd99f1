-- under statistics
-- released
SELECT city, avg(pay) FROM staff GROUP BY city
SELECT avg(pay), count(*), count(pay), sum(bonus), stddev(rating) FROM staff
SELECT city, corr(pay, rating), regr_slope(pay, bonus) FROM staff GROUP BY 1
SELECT grade, count(*) FROM staff GROUP BY grade ORDER BY count(*) DESC LIMIT 3
SELECT s.grade AS g, round(avg(s.pay)::numeric, 2) FROM staff AS s GROUP BY g HAVING avg(s.pay) > 1000 AND s.grade <> 'x'
SELECT city, max(name), avg(pay) FROM staff GROUP BY city
SELECT count(*) FROM staff WHERE pay > 5000 AND city = 'Bern'
SELECT city, count(*) FROM staff WHERE pay BETWEEN 1000 AND $1 AND hired >= now() - interval '30 days' GROUP BY city
SELECT avg(pay) FROM staff WHERE grade IN ('a', 'b') OR grade IS NULL
SELECT city, count(*) FILTER (WHERE pay > 5000), count(*) FROM staff GROUP BY city
SELECT count(DISTINCT grade) FROM staff
SELECT t.label, avg(s.pay) FROM staff s JOIN teams t ON t.id = s.team_id GROUP BY t.label
SELECT t.label, avg(s.pay) FROM staff s LEFT JOIN teams t ON s.team_id = t.id AND t.place = 'x' WHERE s.city LIKE 'B%' GROUP BY t.label
SELECT avg(s.pay) FROM staff s, teams t WHERE s.team_id = t.id
SELECT avg(s.pay) FROM staff s JOIN (VALUES (1)) v (id) ON true
SELECT feature, count(*), sum(minutes) FROM usage_events WHERE at > CURRENT_DATE - 7 GROUP BY feature
SELECT count(*) FROM usage_events
SELECT x.average * 2, p.name FROM (SELECT city, avg(pay) AS average FROM staff GROUP BY city) x JOIN staff p ON p.city = x.city
WITH a AS (SELECT grade, count(*) AS n FROM staff GROUP BY grade) SELECT * FROM a WHERE n > 7
SELECT average FROM pay_by_city WHERE city = 'Bern'
SELECT city FROM pay_by_city
SELECT n + 1 FROM events_counted
SELECT id, name FROM staff_with_pay
SELECT city, sum(avg(pay)) OVER (ORDER BY city) FROM staff GROUP BY city
SELECT DISTINCT ON (avg(pay)) city, avg(pay) FROM staff GROUP BY city ORDER BY avg(pay)
SELECT name FROM staff WHERE (SELECT avg(pay) FROM staff) > 1000
-- whom a row is about, by way of another table
SELECT kind, avg(minutes), count(*) FROM visit_notes GROUP BY kind
SELECT v.place, sum(n.minutes) FROM visit_notes n JOIN visits v ON v.id = n.visit_id GROUP BY v.place
SELECT count(*) FROM visit_notes of_1 WHERE of_1.minutes > 5
-- grouping sets
SELECT city, sum(pay) FROM staff GROUP BY ROLLUP (city)
SELECT s.city AS place, grade, count(*) FILTER (WHERE pay > 5) AS n, GROUPING(grade), upper(s.city) FROM staff s GROUP BY CUBE (1, grade) HAVING count(*) > 7 AND grade <> 'x' ORDER BY place, 2, count(*) DESC LIMIT 5
SELECT team_id, city, max(name), avg(pay), rank() OVER (PARTITION BY city ORDER BY avg(pay)) FROM staff GROUP BY team_id, GROUPING SETS ((city), ())
SELECT x.n FROM (SELECT grade, count(*) AS n FROM staff GROUP BY ROLLUP (grade)) x WHERE x.grade IS NULL
-- set operations
SELECT city, sum(pay) FROM staff GROUP BY city UNION ALL SELECT place, rate FROM rates
-- refused: rows
SELECT pay FROM staff
SELECT * FROM staff
SELECT s FROM staff s
SELECT name FROM staff WHERE pay > 5000
SELECT name FROM staff ORDER BY pay
SELECT pay FROM staff_with_pay
SELECT avg(pay) FROM staff_with_pay
SELECT DISTINCT pay FROM staff
SELECT avg(pay) OVER () FROM staff
SELECT count(*) OVER () FROM usage_events
SELECT 1 FROM usage_events
SELECT name FROM staff s WHERE EXISTS (SELECT 1 FROM usage_events e WHERE e.person_id = s.id)
-- refused: aggregates
SELECT min(pay) FROM staff
SELECT array_agg(pay) FROM staff
SELECT string_agg(grade, ',') FROM staff
SELECT mode() WITHIN GROUP (ORDER BY pay) FROM staff
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY pay) FROM staff
SELECT most_of(pay) FROM staff
SELECT sum(DISTINCT pay) FROM staff
SELECT bool_or(remote) FROM staff
SELECT json_agg(notes) FROM staff
SELECT sum(pay + 1) FROM staff
SELECT sum(CASE WHEN id = 5 THEN pay END) FROM staff
SELECT corr(pay, id) FROM staff
SELECT avg(pay), avg(pay) FILTER (WHERE id <> 5), count(*) FILTER (WHERE id < 5) FROM staff
SELECT avg(pay) FILTER (WHERE pay > 5 OR id = 7) FROM staff
SELECT regr_avgx(bonus, pay), regr_avgx(rating, pay) FROM staff
SELECT corr(pay, bonus), sum(pay) FILTER (WHERE pay > 5) FROM staff
SELECT grade, max(name) FROM staff GROUP BY grade
SELECT grade, sum(id) FROM staff GROUP BY grade
-- refused: conditions
SELECT count(*) FROM staff WHERE id < 10 OR (id = 11 AND pay > 5000)
SELECT count(*) FROM staff WHERE 1 / (pay - 5000) > 0
SELECT count(*) FROM staff WHERE grade LIKE 'a%'
SELECT count(*) FROM staff WHERE pay > id
SELECT count(*) FROM staff WHERE pay > (SELECT 5000)
SELECT avg(pay) FROM staff WHERE random() < 0.5
-- refused: keys
SELECT pay / 1000, count(*) FROM staff GROUP BY pay / 1000
SELECT rating, count(*) FROM staff GROUP BY rating
SELECT city, avg(pay) FROM staff GROUP BY GROUPING SETS ((city), (team_id))
SELECT lower(city), avg(pay) FROM staff GROUP BY ROLLUP (lower(city))
SELECT city, avg(pay), name FROM staff GROUP BY ROLLUP (city), id
SELECT count(*) FROM staff GROUP BY CUBE (id, name, city, team_id, grade, hired)
SELECT city || grade, count(*) FROM staff GROUP BY 1
-- refused: joins
SELECT sum(s.pay) FROM staff s JOIN rates r ON r.place = s.city
SELECT sum(pay) FROM staff, generate_series(1, CASE WHEN id = 5 THEN 1000 ELSE 1 END)
SELECT sum(s.pay) FROM staff s JOIN teams t ON t.id >= s.team_id
SELECT sum(s.pay) FROM staff s JOIN teams t ON t.id = s.pay
SELECT sum(s.pay) FROM teams t LEFT JOIN staff s ON s.team_id = t.id
SELECT sum(s.pay) FROM staff s FULL JOIN teams t ON s.team_id = t.id
SELECT sum(s.pay), avg(e.minutes) FROM staff s JOIN usage_events e ON e.person_id = s.id
SELECT sum(pay) FROM staff TABLESAMPLE BERNOULLI (50)
SELECT avg(pay) FROM orphans
-- refused: two levels, levels that depend on others
SELECT (SELECT sum(pay) FROM staff) - (SELECT sum(pay) FROM staff WHERE id <> 5)
SELECT city, sum(pay) FROM staff GROUP BY city UNION ALL SELECT NULL, sum(pay) FROM staff
SELECT p.name, (SELECT avg(s.pay) FROM staff s WHERE s.id <> p.id) FROM staff p
SELECT p.name, x.avg FROM staff p, LATERAL (SELECT avg(s.pay) FROM staff s WHERE s.id <> p.id) x
SELECT a.average FROM pay_by_city a JOIN pay_by_city b ON a.city = b.city
SELECT city, (SELECT max(rate) FROM rates), avg(pay) FROM staff GROUP BY city
-- utilities
EXPLAIN SELECT avg(pay) FROM staff
COPY (SELECT city, avg(pay) FROM staff GROUP BY city) TO STDOUT
COPY staff (pay) TO STDOUT
DECLARE c CURSOR FOR SELECT avg(pay) FROM staff
PREPARE q (float8) AS SELECT count(*) FROM staff WHERE bonus > $1
PREPARE q (int) AS SELECT count(*) FROM staff WHERE pay > $1
PREPARE q (regclass) AS SELECT count(*) FROM staff WHERE grade = $1
CREATE VIEW v AS SELECT city, avg(pay) FROM staff GROUP BY city
CREATE TABLE t AS SELECT city, avg(pay) FROM staff GROUP BY city
INSERT INTO rates SELECT city, avg(pay)::int FROM staff GROUP BY city
UPDATE staff SET city = 'x' WHERE pay > 5000
-- under consented
SELECT city, avg(pay), count(*) FROM staff GROUP BY city
SELECT count(*) FROM staff WHERE name LIKE 'a%' AND pay > 5
-- under rounded
SELECT city, count(*), count(pay), sum(pay), avg(pay) AS mean, stddev(bonus), sum(rating) FROM staff GROUP BY city
SELECT city, sum(pay) FILTER (WHERE pay > $1) FROM staff GROUP BY ROLLUP (city) HAVING sum(pay) > 1000 ORDER BY count(*) DESC
SELECT city, max(name), sum(pay) - 1 FROM staff GROUP BY city
SELECT corr(pay, rating) FROM staff
-- under noisy
SELECT count(*) FROM staff
SELECT s.city AS place, count(s.pay), sum(pay), avg(bonus) * 2 FROM staff s WHERE city LIKE 'B%' GROUP BY 1 HAVING count(s.pay) > 3 ORDER BY sum(pay) DESC LIMIT 3
SELECT feature, count(*) FILTER (WHERE minutes > $1), count(DISTINCT person_id), GROUPING(feature) FROM usage_events WHERE at > CURRENT_DATE - 7 GROUP BY ROLLUP (feature)
WITH w AS (SELECT city, count(DISTINCT grade) AS n FROM staff WHERE grade <> 'x' GROUP BY city) SELECT * FROM w JOIN rates r ON r.place = w.city
SELECT t.label, count(*) FROM staff s JOIN teams t ON t.id = s.team_id GROUP BY t.label
SELECT * FROM pay_by_city
SELECT events.n FROM events_counted AS events
SELECT grade, count(*) FROM staff GROUP BY grade
SELECT city, max(name), count(*) FROM staff GROUP BY city
SELECT stddev(pay) FROM staff
SELECT sum(rating) FROM staff
SELECT lower(city), count(*) FROM staff GROUP BY 1
INSERT INTO rates SELECT city, count(*) FROM staff GROUP BY city
