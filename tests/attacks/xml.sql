-- XML constructors and functions that query by name or text.
-- purpose: denied, masked

-- case: element
SELECT xmlelement(name person, secret) FROM people ORDER BY id;

-- case: attributes
SELECT xmlelement(name person, xmlattributes(secret AS s)) FROM people ORDER BY id;

-- case: forest
SELECT xmlforest(secret, score) FROM people ORDER BY id;

-- case: concat
SELECT xmlconcat(xmlelement(name a, pin), xmlelement(name b, score)) FROM people ORDER BY id;

-- case: aggregate
SELECT xmlagg(xmlelement(name a, secret) ORDER BY id) FROM people;

-- case: table_to_xml
SELECT table_to_xml('people', true, true, '');

-- case: query_to_xml
SELECT query_to_xml('SELECT secret FROM people ORDER BY id', true, true, '');

-- case: query_to_xml_and_schema
SELECT query_to_xml_and_xmlschema('SELECT score FROM people ORDER BY id', true, true, '');

-- case: schema_to_xml
SELECT schema_to_xml('other', true, true, '');

-- case: database_to_xml
SELECT length(database_to_xml(true, true, '')::text);

-- case: cursor_to_xml
BEGIN;
DECLARE c CURSOR FOR SELECT secret FROM people ORDER BY id;
SELECT cursor_to_xml('c', 20, true, true, '');
COMMIT;

-- case: xpath
SELECT xpath('/a/text()', xmlelement(name a, secret)) FROM people ORDER BY id;

-- case: xmltable
SELECT t.v FROM people AS p, XMLTABLE('/a' PASSING xmlelement(name a, p.secret) COLUMNS v text PATH '.') AS t ORDER BY p.id;

-- case: xmlparse_error
SELECT xmlparse(DOCUMENT '<' || pin || '/>') FROM people ORDER BY id;

-- case: hidden_table
-- purpose: filtered
SELECT table_to_xml('people', true, true, '');

-- case: hidden_forest
-- purpose: filtered
SELECT xmlagg(xmlforest(id, name) ORDER BY id) FROM people;
