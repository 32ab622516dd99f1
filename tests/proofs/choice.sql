-- Operators, functions, casts and types of users that could be chosen instead of the server's own, over every kind of type.
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN dtext AS text;
CREATE DOMAIN dint AS int;
CREATE DOMAIN ddint AS dint;
CREATE DOMAIN dmood AS mood;
CREATE DOMAIN dvarchar AS varchar(9);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TYPE own;
CREATE FUNCTION own_in(cstring) RETURNS own STRICT IMMUTABLE LANGUAGE internal AS 'int8in';
CREATE FUNCTION own_out(own) RETURNS cstring STRICT IMMUTABLE LANGUAGE internal AS 'int8out';
CREATE TYPE own (INPUT = own_in, OUTPUT = own_out, LIKE = int8);
CREATE TYPE hid;
CREATE FUNCTION hid_in(cstring) RETURNS hid STRICT IMMUTABLE LANGUAGE internal AS 'int8in';
CREATE FUNCTION hid_out(hid) RETURNS cstring STRICT IMMUTABLE LANGUAGE internal AS 'int8out';
CREATE TYPE hid (INPUT = hid_in, OUTPUT = hid_out, LIKE = int8);

CREATE TABLE parent (q int, m mood);
CREATE TABLE child (o own) INHERITS (parent);
CREATE TABLE t (i int, s int2, b int8, n numeric, te text, v varchar, c char(3), dt dtext, di dint, dd ddint, dv dvarchar, m mood,
    dm dmood, p pair, r span, o own, am mood[], ao own[], at text[], ap pair[], j jsonb);
CREATE TABLE h (k hid, m mood, te text);

CREATE FUNCTION own_of_bool(bool) RETURNS own LANGUAGE sql AS $$ SELECT '1'::own $$;
CREATE FUNCTION int_of_own(own) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION hid_of_parent(parent) RETURNS hid LANGUAGE sql AS $$ SELECT '1'::hid $$;
CREATE FUNCTION text_of_child(child) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
CREATE CAST (bool AS own) WITH FUNCTION own_of_bool(bool) AS IMPLICIT;
CREATE CAST (own AS int) WITH FUNCTION int_of_own(own);
CREATE CAST (parent AS hid) WITH FUNCTION hid_of_parent(parent) AS IMPLICIT;
CREATE CAST (child AS text) WITH FUNCTION text_of_child(child);

CREATE FUNCTION give_own() RETURNS own LANGUAGE sql AS $$ SELECT '1'::own $$;
CREATE FUNCTION give_hid(int) RETURNS hid LANGUAGE sql AS $$ SELECT '1'::hid $$;
CREATE FUNCTION same(a anyelement, b anyelement) RETURNS bool LANGUAGE sql AS $$ SELECT a = b $$;
CREATE FUNCTION made(OUT o own, OUT h hid) LANGUAGE sql AS $$ SELECT '1'::own, '1'::hid $$;

DO $$
DECLARE
    name text; pair text[]; number int := 0; place text;
    pairs text[] := ARRAY['text,text', 'varchar,text', 'text,varchar', 'int,int', 'int8,int8', 'int,int8', 'varchar,varchar', 'numeric,numeric', 'numeric,int', 'bpchar,text', 'dtext,dtext', 'dtext,text', 'dint,dint',
        'ddint,ddint', 'dint,int', 'dvarchar,dvarchar', 'mood,mood', 'dmood,dmood', 'mood,text', 'pair,pair', 'parent,parent', 'span,span', 'own,own', 'own,int8', 'int8,own', 'hid,hid',
        'hid,text', 'anyelement,anyelement', 'anyarray,anyelement', 'own[],own', 'mood[],mood[]', 'bool,bool', 'jsonb,text'];
BEGIN
    -- Not every operator in one database: together many are ambiguous.
    FOR number IN 1 .. array_length(pairs, 1) LOOP
        pair := string_to_array(pairs[number], ',');
        FOREACH name IN ARRAY ARRAY['=', '<', '||', '~~', '===', '<>', '>=', '<='] LOOP
            CONTINUE WHEN (hashtext(name || pairs[number]) & 3) <> 0 AND name <> '=';
            place := CASE WHEN number % 3 = 0 THEN 'other' ELSE 'public' END;
            EXECUTE format('CREATE FUNCTION %I.f%s_%s(%s, %s) RETURNS %s LANGUAGE sql AS $f$ SELECT NULL::%s $f$', place, number,
                abs(hashtext(name)), pair[1], pair[2], CASE name WHEN '||' THEN 'own' ELSE 'bool' END, CASE name WHEN '||' THEN 'own' ELSE 'bool' END);
            EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %I.f%s_%s)', place, name, pair[1], pair[2], place, number, abs(hashtext(name)));
        END LOOP;
        IF NOT EXISTS (SELECT FROM pg_proc p WHERE p.proname = 'g' AND p.proargtypes[0] = to_regtype(pair[1])) THEN
            EXECUTE format('CREATE FUNCTION other.g(%s) RETURNS text LANGUAGE sql AS $f$ SELECT NULL::text $f$', pair[1]);
        END IF;
    END LOOP;
END $$;
