-- Columns that are released in aggregates only: whatever would tell of fewer than five people.
-- purpose: statistics

-- case: raw
SELECT id, pay FROM staff ORDER BY id;

-- case: star
SELECT * FROM staff ORDER BY id;

-- case: whole_row
SELECT s FROM staff AS s ORDER BY s.id;

-- case: row_to_json
SELECT row_to_json(s) FROM staff AS s ORDER BY s.id;

-- case: attribute_notation
SELECT s.pay, pay(s) FROM staff AS s ORDER BY s.id;

-- case: where
SELECT name FROM staff WHERE pay > 5000 ORDER BY id;

-- case: order_by
SELECT name FROM staff ORDER BY pay, id;

-- case: distinct
SELECT DISTINCT grade, city FROM staff ORDER BY 1, 2;

-- case: exists
SELECT name FROM staff AS s WHERE EXISTS (SELECT 1 FROM staff AS t WHERE t.pay > 5000 AND t.id = s.id) ORDER BY id;

-- case: case_inside
SELECT sum(CASE WHEN id = 5 THEN pay END) FROM staff;

-- case: case_weighs
SELECT sum(pay::bigint * CASE WHEN id = 5 THEN 1000000 ELSE 1 END) FROM staff WHERE city = 'big';

-- case: filter_one
SELECT avg(pay) FILTER (WHERE id = 7) FROM staff;

-- case: filter_all_but_one
SELECT sum(pay) - sum(pay) FILTER (WHERE id <> 5) FROM staff;

-- case: filter_two
SELECT sum(pay) FILTER (WHERE id < 7) - sum(pay) FILTER (WHERE id < 6) FROM staff;

-- case: filter_counts_one
SELECT count(*) FILTER (WHERE pay > 5000 AND id = 5) FROM staff;

-- case: filter_by_value
SELECT city, count(*) FILTER (WHERE pay > 12000), count(*) FROM staff GROUP BY city ORDER BY city;

-- case: where_one
SELECT avg(pay), sum(bonus), count(grade) FROM staff WHERE id = 5;

-- case: where_few
SELECT avg(pay) FROM staff WHERE id IN (1, 2, 3, 4);

-- case: tracker
SELECT count(*) FROM staff WHERE id < 10 OR (id = 11 AND pay > 5000);

-- case: tracker_in_case
SELECT count(*) FROM staff WHERE CASE WHEN id = 11 THEN pay > 5000 ELSE id < 10 END;

-- case: count_one
SELECT count(*) FROM staff WHERE id = 5 AND pay > 5000;

-- case: generate_series
SELECT sum(pay) FROM staff, generate_series(1, CASE WHEN id = 5 THEN 100000 ELSE 1 END) WHERE city = 'big';

-- case: set_as_key
SELECT sum(pay), unnest(CASE WHEN id = 5 THEN array_fill(1, ARRAY[1000]) ELSE ARRAY[1] END) FROM staff WHERE city = 'big' GROUP BY 2;

-- case: set_in_group_by
SELECT sum(pay) FROM staff WHERE city = 'big' GROUP BY 1 + unnest(array_fill(1, ARRAY[CASE WHEN id = 5 THEN 1000 ELSE 1 END]));

-- case: set_by_the_notation_of_a_field
SELECT sum(pay) FROM staff WHERE city = 'big' GROUP BY (CASE WHEN id = 5 THEN array_fill(1, ARRAY[1000]) ELSE ARRAY[1] END).unnest;

-- case: set_by_its_place_in_a_row
SELECT city, unnest(CASE WHEN id = 5 THEN array_fill(1, ARRAY[1000]) ELSE ARRAY[1] END), sum(pay) FROM staff WHERE city = 'big' GROUP BY (9, 9);
SELECT city, unnest(CASE WHEN id = 5 THEN array_fill(1, ARRAY[1000]) ELSE ARRAY[1] END), sum(pay) FROM staff WHERE city = 'big' GROUP BY (1, 1);
SELECT city, unnest(CASE WHEN id = 5 THEN array_fill(1, ARRAY[1000]) ELSE ARRAY[1] END), sum(pay) FROM staff WHERE city = 'big' GROUP BY (1, 2);

-- case: set_in_grouping_sets
SELECT sum(pay), city, generate_series(1, 1) FROM staff GROUP BY GROUPING SETS ((city, 3), (city)) ORDER BY city, 3;

-- case: many_rows
SELECT sum(s.pay) FROM staff AS s JOIN weights AS w ON w.id <= s.id WHERE s.city = 'big';

-- case: joined_to_itself
SELECT sum(s.pay) FROM staff AS s JOIN staff AS t ON t.id = s.id OR t.id < s.id WHERE s.city = 'big';

-- case: weighed
SELECT sum(s.pay * w.weight) FROM staff AS s JOIN weights AS w USING (id) WHERE s.city = 'big';

-- case: regressed_on_weights
SELECT regr_sxy(s.pay, w.weight) FROM staff AS s JOIN weights AS w USING (id) WHERE s.city = 'big';

-- case: joined_by_value
SELECT count(*) FROM staff AS s JOIN weights AS w ON w.id = s.pay / 1000 AND w.id > 6 WHERE s.id = 5;

-- case: joined_to_persons
SELECT t.name, x.total FROM (SELECT id, sum(pay) AS total FROM staff GROUP BY id) AS x JOIN staff AS t USING (id) ORDER BY t.id;

-- case: by_person
SELECT name, avg(pay) FROM staff GROUP BY name ORDER BY name;

-- case: by_small_group
SELECT city, avg(pay), count(pay) FROM staff GROUP BY city ORDER BY city;

-- case: by_key
SELECT id, pay FROM staff GROUP BY id ORDER BY id;

-- case: by_value
SELECT grade, count(*) FROM staff WHERE city = 'small' GROUP BY grade ORDER BY grade;

-- case: by_value_and_city
SELECT city, grade, count(*) FROM staff GROUP BY city, grade ORDER BY city, grade;

-- case: members_of_a_value
SELECT grade, array_agg(name ORDER BY id) FROM staff GROUP BY grade ORDER BY grade;

-- case: sums_of_members
SELECT s.grade, sum(w.weight) FROM staff AS s JOIN weights AS w ON w.id = s.id GROUP BY s.grade ORDER BY s.grade;

-- case: members_counted
SELECT s.grade, count(*), count(w.weight) FROM staff AS s LEFT JOIN weights AS w ON w.id = s.id AND w.id <> 5 GROUP BY s.grade ORDER BY s.grade;

-- case: rollup
SELECT city, sum(pay) FROM staff GROUP BY ROLLUP (city) ORDER BY city;

-- case: cube
SELECT city, team_id, sum(pay) FROM staff GROUP BY CUBE (city, team_id) ORDER BY city, team_id;

-- case: grouping_sets
SELECT city, grade, count(*) FROM staff GROUP BY GROUPING SETS ((city, grade), (city), (grade), ()) ORDER BY city, grade;

-- case: sets_without_a_finest
SELECT city, team_id, sum(pay), sum(bonus) FROM staff WHERE id IN (1, 2, 3, 4, 5, 6, 13) GROUP BY GROUPING SETS ((city), (team_id), ()) ORDER BY city, team_id;

-- case: rollup_of_a_filter
SELECT city, sum(pay) FILTER (WHERE pay > 3000) FROM staff GROUP BY ROLLUP (city) ORDER BY city;

-- case: rollup_of_an_argument
SELECT city, count(hired), sum(pay) FROM staff GROUP BY ROLLUP (city) ORDER BY city;

-- case: rollup_of_values
SELECT city, grade, count(*), GROUPING(city, grade) FROM staff GROUP BY city, ROLLUP (grade) ORDER BY city, grade, 4;

-- case: union_of_two
SELECT 'all', sum(pay) FROM staff UNION ALL SELECT 'but one', sum(pay) FROM staff WHERE id <> 5 ORDER BY 1;

-- case: two_sub_queries
SELECT (SELECT sum(pay) FROM staff) - (SELECT sum(pay) FROM staff WHERE id <> 5);

-- case: except_one
WITH one AS (SELECT sum(pay) AS s FROM staff), other AS (SELECT sum(pay) AS s FROM staff WHERE id <> 5)
SELECT one.s - other.s FROM one, other;

-- case: correlated
SELECT t.id, (SELECT avg(s.pay) FROM staff AS s WHERE s.id <> t.id) FROM staff AS t ORDER BY t.id;

-- case: lateral
SELECT t.id, x.avg FROM staff AS t, LATERAL (SELECT avg(s.pay) FROM staff AS s WHERE s.id <> t.id) AS x ORDER BY t.id;

-- case: correlated_by_alias
SELECT t.id, (SELECT sum(s.pay) FROM staff AS s WHERE s.id <> t.id AND EXISTS (SELECT 1 FROM weights AS t WHERE t.id = 1)) FROM staff AS t ORDER BY t.id;

-- case: window
SELECT id, avg(pay) OVER (PARTITION BY city ORDER BY id) FROM staff ORDER BY id;

-- case: window_lag
SELECT id, lag(pay) OVER (ORDER BY id) FROM staff ORDER BY id;

-- case: having
SELECT city FROM staff GROUP BY city HAVING sum(pay) > 43000 ORDER BY city;

-- case: having_fails
SELECT city FROM staff WHERE city = 'small' GROUP BY city HAVING 1 / (sum(pay) - 37800) >= 0 ORDER BY city;

-- case: having_a_key_fails
SELECT grade, count(*) FROM staff WHERE id IN (13, 14, 15) GROUP BY grade HAVING 1 / (length(grade) - 4) >= 0 ORDER BY grade;

-- case: a_condition_is_pushed_down
SELECT * FROM (SELECT grade, count(*) FROM staff WHERE id IN (13, 14, 15) GROUP BY grade) AS x WHERE 1 / (length(x.grade) - 4) >= 0;

-- case: order_by_suppressed
SELECT city FROM staff GROUP BY city ORDER BY sum(pay) LIMIT 1;

-- case: limit_of_suppressed
SELECT city, count(*) FROM staff WHERE pay > 13000 GROUP BY city ORDER BY city LIMIT 1;

-- case: offset_of_suppressed
SELECT grade FROM staff WHERE city <> 'tiny' GROUP BY grade ORDER BY grade DESC OFFSET 1;

-- case: a_sum_overflows
SELECT city, sum(rating) FROM staff WHERE city = 'small' GROUP BY city ORDER BY city;

-- case: variance_overflows
SELECT city, count(rating), variance(rating) FROM staff WHERE city = 'small' GROUP BY city ORDER BY city;

-- case: arguments_fail
SELECT avg(100 / (pay - 4500)) FROM staff WHERE id = 5;

-- case: conditions_fail
SELECT count(*) FROM staff WHERE 100 / (pay - 4500) > 0 AND id = 5;

-- case: an_open_condition_fails
SELECT count(*) FROM staff WHERE pay > 4600 AND 1 / (id - 5) < 2;

-- case: an_open_key_fails
SELECT 1 / (id - 5), count(*) FROM staff WHERE pay > 4600 GROUP BY 1 ORDER BY 1;

-- case: an_open_filter_fails
SELECT count(*) FILTER (WHERE pay > 4600 AND 1 / (id - 5) < 2) FROM staff;

-- case: min_max
SELECT min(pay), max(pay), min(grade) FROM staff WHERE city = 'small';

-- case: extremes_of_all
SELECT city, max(pay) FROM staff GROUP BY city ORDER BY city;

-- case: array_agg
SELECT array_agg(pay ORDER BY id) FROM staff;

-- case: string_agg
SELECT string_agg(grade, ',' ORDER BY id) FROM staff;

-- case: json_agg
SELECT json_agg(pay ORDER BY id), json_object_agg(id, pay ORDER BY id) FROM staff;

-- case: percentile
SELECT city, percentile_disc(0.5) WITHIN GROUP (ORDER BY pay) FROM staff GROUP BY city ORDER BY city;

-- case: mode
SELECT city, mode() WITHIN GROUP (ORDER BY grade) FROM staff GROUP BY city ORDER BY city;

-- case: bool_or
SELECT bool_or(pay > 5000 AND id = 5) FROM staff;

-- case: most_of
SELECT city, most_of(pay) FROM staff GROUP BY city ORDER BY city;

-- case: distinct_sum
SELECT city, sum(DISTINCT pay) FROM staff GROUP BY city ORDER BY city;

-- case: view
SELECT * FROM staff_view ORDER BY id;

-- case: view_aggregated_elsewhere
SELECT avg(pay) FROM staff_view WHERE id = 5;

-- case: view_of_small_groups
SELECT * FROM pay_by_city ORDER BY city;

-- case: view_twice
SELECT a.city, a.average, b.n FROM pay_by_city AS a JOIN pay_by_city AS b USING (city) ORDER BY city;

-- case: no_key
SELECT avg(pay) FROM unkeyed WHERE id = 5;

-- case: nothing_is_shown_row_by_row
SELECT count(*) FROM visits WHERE staff_id = 3;

-- case: rows_exist
SELECT name FROM staff AS s WHERE EXISTS (SELECT 1 FROM visits AS v WHERE v.staff_id = s.id AND v.id = 7) ORDER BY id;

-- case: rare_places
SELECT place, count(*), sum(minutes) FROM visits GROUP BY place ORDER BY place;

-- case: visits_of_one
SELECT staff_id, sum(minutes) FROM visits GROUP BY staff_id ORDER BY staff_id;

-- case: many_rows_of_one
SELECT sum(minutes), count(*) FROM visits WHERE staff_id = 3;

-- case: visits_joined
SELECT s.name, sum(v.minutes) FROM visits AS v JOIN staff AS s ON s.id = v.staff_id GROUP BY s.name ORDER BY s.name;

-- case: samples
SELECT avg(pay) FROM staff TABLESAMPLE SYSTEM (100) REPEATABLE (1) WHERE id = 5;

-- case: copy
COPY (SELECT id, pay FROM staff ORDER BY id) TO STDOUT;

-- case: copy_table
COPY staff TO STDOUT;

-- case: copy_small_groups
COPY (SELECT city, avg(pay) FROM staff GROUP BY city ORDER BY city) TO STDOUT;

-- case: cursor
BEGIN;
DECLARE c CURSOR FOR SELECT city, avg(pay) FROM staff GROUP BY city ORDER BY city;
FETCH ALL FROM c;
COMMIT;

-- case: prepared
PREPARE q (int) AS SELECT sum(pay) FROM staff WHERE id = $1;
EXECUTE q (5);

-- case: explained
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1 FROM staff WHERE id = 5 AND pay > 5000;

-- case: stored
CREATE TABLE pays AS SELECT id, pay FROM staff;
SELECT id + 0, pay + 0 FROM pays ORDER BY 1;

-- case: recursive
WITH RECURSIVE r (n, s) AS (SELECT 0, 0::bigint UNION ALL SELECT n + 1, (SELECT sum(pay) FROM staff WHERE id = n + 1) FROM r WHERE n < 5)
SELECT * FROM r ORDER BY n;

-- case: by_chance
SELECT setseed(0.5);
SELECT sum(pay) FROM staff WHERE city = 'big' AND (id < 8 OR random() < 0.5);

-- case: locks
SELECT count(*) FROM (SELECT 1 FROM staff WHERE pay > 12000 AND city = 'small' FOR UPDATE) AS x;
