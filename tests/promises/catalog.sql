-- Everything in the schema "shop", one text a thing, as the catalog itself words it, but for the ledger and for
-- numbers that differ from database to database. The rows of each table are one digest.
WITH ns AS (SELECT oid FROM pg_namespace WHERE nspname = 'shop'),
rel AS (
  SELECT c.* FROM pg_class c JOIN ns ON ns.oid = c.relnamespace WHERE c.relname !~ '^lakegate_migrations'
),
thing (text) AS (
  SELECT concat_ws(' ', 'schema', nspowner::regrole, nspacl, obj_description(n.oid, 'pg_namespace'))
    FROM pg_namespace n JOIN ns USING (oid)
  UNION ALL SELECT concat_ws(' ', 'extension', extname, extversion) FROM pg_extension
  UNION ALL SELECT concat_ws(' ', 'default acl', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl)
    FROM pg_default_acl
  UNION ALL SELECT concat_ws(' ', 'relation', relname, relkind, relowner::regrole, relacl, relpersistence, reloptions,
                             relrowsecurity, relforcerowsecurity, relreplident, reloftype::regtype,
                             pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid), obj_description(oid, 'pg_class'))
    FROM rel
  UNION ALL SELECT concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
                             attgenerated, pg_get_expr(adbin, adrelid), attcollation, attstorage, attcompression,
                             attstattarget, attacl, attoptions, col_description(attrelid, attnum))
    FROM pg_attribute JOIN rel ON rel.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
  UNION ALL SELECT concat_ws(' ', 'parent', inhrelid::regclass, inhparent::regclass, inhseqno) FROM pg_inherits
  UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, contypid::regtype, conname, pg_get_constraintdef(c.oid),
                             condeferrable, condeferred, convalidated, connoinherit, obj_description(c.oid, 'pg_constraint'))
    FROM pg_constraint c JOIN ns ON ns.oid = connamespace WHERE conrelid NOT IN (SELECT oid FROM pg_class
      WHERE relname ~ '^lakegate_migrations')
  UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisclustered, indisreplident, indisvalid)
    FROM pg_index JOIN rel ON rel.oid = indexrelid
  UNION ALL SELECT concat_ws(' ', 'view', relname, pg_get_viewdef(oid)) FROM rel WHERE relkind IN ('v', 'm')
  UNION ALL SELECT concat_ws(' ', 'rule', relname, pg_get_ruledef(r.oid), ev_enabled, obj_description(r.oid, 'pg_rewrite'))
    FROM pg_rewrite r JOIN rel ON rel.oid = ev_class
  UNION ALL SELECT concat_ws(' ', 'trigger', relname, pg_get_triggerdef(t.oid), tgenabled, obj_description(t.oid, 'pg_trigger'))
    FROM pg_trigger t JOIN rel ON rel.oid = tgrelid WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws(' ', 'policy', p.*) FROM pg_policies p WHERE schemaname = 'shop'
  UNION ALL SELECT concat_ws(' ', 'sequence', s.*) FROM pg_sequences s WHERE schemaname = 'shop'
  UNION ALL SELECT concat_ws(' ', 'statistics', pg_get_statisticsobjdef(s.oid), stxstattarget)
    FROM pg_statistic_ext s JOIN ns ON ns.oid = stxnamespace
  UNION ALL SELECT concat_ws(' ', 'routine', CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END, prokind,
                             p.oid::regprocedure, proowner::regrole, proacl, obj_description(p.oid, 'pg_proc'))
    FROM pg_proc p JOIN ns ON ns.oid = pronamespace
  UNION ALL SELECT concat_ws(' ', 'aggregate', aggfnoid::regprocedure, aggtransfn, aggtranstype::regtype, agginitval)
    FROM pg_aggregate JOIN pg_proc p ON p.oid = aggfnoid JOIN ns ON ns.oid = pronamespace
  UNION ALL SELECT concat_ws(' ', 'operator', o.oid::regoperator, oprcode, oprcom::regoperator, oprrest, oprjoin)
    FROM pg_operator o JOIN ns ON ns.oid = oprnamespace
  UNION ALL SELECT concat_ws(' ', 'cast', castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext)
    FROM pg_cast JOIN pg_type t ON t.oid = castsource JOIN ns ON ns.oid = typnamespace
  UNION ALL SELECT concat_ws(' ', 'type', t.oid::regtype, typtype, typowner::regrole, typacl, typnotnull, typdefault,
                             typbasetype::regtype, typcollation, obj_description(t.oid, 'pg_type'))
    FROM pg_type t JOIN ns ON ns.oid = typnamespace WHERE typname !~ '^_?lakegate_migrations'
  UNION ALL SELECT concat_ws(' ', 'label', enumtypid::regtype, enumsortorder, enumlabel) FROM pg_enum
  UNION ALL SELECT concat_ws(' ', 'range', rngtypid::regtype, rngsubtype::regtype, rngsubdiff) FROM pg_range
    JOIN pg_type t ON t.oid = rngtypid JOIN ns ON ns.oid = typnamespace
  UNION ALL SELECT concat_ws(' ', 'text search', cfgname, maptokentype, mapseqno, mapdict::regdictionary)
    FROM pg_ts_config c JOIN ns ON ns.oid = cfgnamespace JOIN pg_ts_config_map ON mapcfg = c.oid
  UNION ALL SELECT concat_ws(' ', 'rows', relname, query_to_xml(format(
      'SELECT count(*) AS rows, md5(string_agg(t::text, '','' ORDER BY t::text)) AS digest FROM ONLY shop.%I t', relname),
      false, true, ''))
    FROM rel WHERE relkind IN ('r', 'm')
)
SELECT json_agg(text ORDER BY text COLLATE "C")::text FROM thing
