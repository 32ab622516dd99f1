-- Encodings in which a byte means another thing.
-- purpose: denied, masked

-- case: sjis
-- modes: simple
SET client_encoding = 'SJIS';
SELECT max(secret) FROM people;

-- case: gbk
-- modes: simple
SET client_encoding = 'GBK';
SELECT 'x', max(secret) FROM people;

-- case: latin1
SET client_encoding = 'LATIN1';
SELECT max(secret) FROM people;

-- case: sql_ascii
SET client_encoding = 'SQL_ASCII';
SELECT max(secret) FROM people;

-- case: conversion_error
SET client_encoding = 'LATIN1';
SELECT chr(1000 + score) FROM people ORDER BY id;

-- case: convert_to
SELECT convert_to(secret, 'LATIN1') FROM people ORDER BY id;

-- case: convert_fails
SELECT convert_to(CASE WHEN score = 0 THEN 'ж' ELSE 'x' END, 'LATIN1') FROM people ORDER BY id;

-- case: encode
SELECT encode(secret::bytea, 'hex') FROM people ORDER BY id;

-- case: escape_string
SELECT E'\x41', max(secret) FROM people;

-- case: set_names
SET NAMES 'UTF8';
SELECT max(secret) FROM people;

-- case: normalize
SELECT normalize(secret, NFC), secret IS NORMALIZED FROM people ORDER BY id;

-- case: rolled_back
-- modes: simple
BEGIN;
SET client_encoding = 'SJIS';
ROLLBACK;
SELECT max(secret) FROM people;
