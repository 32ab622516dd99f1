-- The protocol's FunctionCall carries no SQL.
-- purpose: denied, masked

-- case: large_object_read
-- modes: simple
\call 3458 4242
\end

-- case: sequence
-- modes: simple
\call 1574 counter
\end

-- case: live_tuples
-- modes: simple
SELECT 1;
\call 2325 vault
\end

-- case: query_to_xml
-- modes: simple
\call 2924 SELECT/**/max(secret)FROM/**/people true true x
\end

-- case: relation_size
-- modes: simple
\call 2332 vault main
\end

-- case: table_to_xml
-- modes: simple
\call 2923 vault true true x
\end

-- case: in_a_pipeline
-- modes: simple
\query SELECT count(*) FROM people
\call 3458 4242
\end
