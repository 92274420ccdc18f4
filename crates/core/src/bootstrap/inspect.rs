//! The one question to the database.

use alloc::string::String;
use alloc::vec::Vec;

use super::Desired;
use crate::time::millis;

/// Looks at everything that a plan depends on, in one round trip.
///
/// Parameters, all text: `$1` the schema's name; `$2` a JSON array of the names of the roles to
/// look for; `$3` the `statement_timeout` of the statements that follow, or null for the default.
/// (It has to be set before a statement begins, and this saves a round trip; it holds for the
/// session.) The answer is one row with one JSON text, the fields of
/// [`Observed`](super::Observed). The relations are listed only when roles are looked for: nothing
/// else depends on them, and there may be thousands.
///
/// It needs no right but to connect. The ledger may be absent or unreadable, so its rows are asked
/// for by `query_to_xml`, the one built-in function that runs a query given as text; hexadecimal
/// digits keep XML from touching the content. Works without libxml.
pub const QUERY: &str = r#"WITH
  me AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = current_user),
  db AS (SELECT * FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
  ns AS (SELECT * FROM pg_catalog.pg_namespace WHERE nspname = $1::text),
  asked AS (
    SELECT oid, rolname FROM pg_catalog.pg_roles
    WHERE rolname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))
  ),
  relation AS (
    SELECT c.oid, c.relname, c.relacl, pg_catalog.pg_get_userbyid(c.relowner) AS owner,
      CASE c.relkind WHEN 'S' THEN 'S' ELSE 'r' END AS kind
    FROM pg_catalog.pg_class c
    JOIN ns ON ns.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  ),
  ledger AS (
    SELECT owner,
      pg_catalog.has_schema_privilege(ns.oid, 'USAGE')
        AND pg_catalog.has_table_privilege(relation.oid, 'SELECT') AS readable
    FROM relation, ns
    WHERE relname = 'lakegate_migrations'
  )
SELECT pg_catalog.json_build_object(
  'statement_timeout', pg_catalog.set_config('statement_timeout', $3::text, false),
  'role', current_user,
  'session_role', session_user,
  'superuser', me.rolsuper,
  'create_role', me.rolcreaterole,
  'create_database', me.rolcreatedb,
  'member_of', COALESCE((
    SELECT pg_catalog.json_agg(DISTINCT g.rolname ORDER BY g.rolname)
    FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    WHERE m.member = me.oid), '[]'),
  'server_version', pg_catalog.current_setting('server_version_num')::int,
  'read_only', pg_catalog.current_setting('transaction_read_only')::bool,
  'database', db.datname,
  'database_owner', pg_catalog.pg_get_userbyid(db.datdba),
  'can_connect', pg_catalog.has_database_privilege(db.oid, 'CONNECT'),
  'can_create', pg_catalog.has_database_privilege(db.oid, 'CREATE'),
  'public_privileges', COALESCE((
    SELECT pg_catalog.json_agg(privilege_type ORDER BY privilege_type)
    FROM pg_catalog.aclexplode(COALESCE(db.datacl, pg_catalog.acldefault('d', db.datdba)))
    WHERE grantee = 0), '[]'),
  'schema', (
    SELECT pg_catalog.json_build_object(
      'owner', pg_catalog.pg_get_userbyid(nspowner),
      'usage', pg_catalog.has_schema_privilege(oid, 'USAGE'),
      'create', pg_catalog.has_schema_privilege(oid, 'CREATE'))
    FROM ns),
  'roles', COALESCE((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', rolname,
      'usage', (SELECT pg_catalog.has_schema_privilege(asked.oid, ns.oid, 'USAGE') FROM ns)))
    FROM asked), '[]'),
  'defaults', COALESCE((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'kind', d.defaclobjtype,
      'role', pg_catalog.pg_get_userbyid(a.grantee),
      'privilege', a.privilege_type))
    FROM pg_catalog.pg_default_acl d
    JOIN ns ON ns.oid = d.defaclnamespace,
    LATERAL pg_catalog.aclexplode(d.defaclacl) a
    WHERE d.defaclrole = me.oid AND a.grantee <> 0), '[]'),
  'relations', COALESCE((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', relname,
      'kind', kind,
      'owner', owner,
      'grants', COALESCE((
        SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'role', asked.rolname,
          'privilege', a.privilege_type))
        FROM pg_catalog.aclexplode(relacl) a
        JOIN asked ON asked.oid = a.grantee), '[]')) ORDER BY relname)
    FROM relation
    WHERE EXISTS (SELECT FROM asked)), '[]'),
  'foreign', COALESCE((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'owner', owner, 'count', count, 'first', first) ORDER BY owner)
    FROM (
      SELECT owner, pg_catalog.count(*) AS count, pg_catalog.min(relname::text) AS first
      FROM relation WHERE owner <> current_user GROUP BY owner) others), '[]'),
  'ledger', (
    SELECT pg_catalog.json_build_object(
      'owner', owner,
      'rows', CASE WHEN readable THEN COALESCE(NULLIF(pg_catalog.convert_from(pg_catalog.decode(
        pg_catalog.split_part(pg_catalog.split_part(pg_catalog.query_to_xml(pg_catalog.format(
          'SELECT pg_catalog.encode(pg_catalog.convert_to('
          'pg_catalog.json_agg(l ORDER BY l.version)::text, ''UTF8''), ''hex'') AS hex '
          'FROM %I.lakegate_migrations l', $1::text), false, false, '')::text,
          '<hex>', 2), '</hex>', 1), 'hex'), 'UTF8'), ''), '[]')::json END)
    FROM ledger)
)::text
FROM me, db"#;

/// The values of the parameters. With `limited`, the time limit for statements is set too.
pub fn parameters(desired: &Desired, limited: bool) -> [Option<String>; 3] {
    let roles = desired.grants.iter().map(|grant| grant.role.as_parameter());
    let roles = roles.collect::<Vec<_>>();
    let roles = serde_json::to_string(&roles).expect("texts alone always serialize");
    let timeout = alloc::format!("{}ms", millis(desired.statement_limit));
    [Some(String::from(desired.schema.as_parameter())), Some(roles), limited.then_some(timeout)]
}
