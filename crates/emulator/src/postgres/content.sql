-- What every database of a Lakebase holds from the start. It runs in single-user mode as the superuser
-- while the template is made; there a statement ends with ";" and an empty line. In a server that is
-- not ours it runs at every start, so it leaves alone what is there.

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['superuser', 'control_plane', 'monitor', 'gateway', 'replicator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'databricks_' || name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'databricks_' || name);
        END IF;
    END LOOP;
END
$body$;

GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO databricks_superuser;

-- Whom the workspace knows stands in the comment of a role: all databases see it.
CREATE OR REPLACE FUNCTION public.databricks_create_role(identity_name text, identity_type text) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = session_user AND (rolcreaterole OR rolsuper)) THEN
        RAISE EXCEPTION 'permission denied to create role' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF identity_type NOT IN ('USER', 'SERVICE_PRINCIPAL', 'GROUP') THEN
        RAISE EXCEPTION 'unknown identity type "%"', identity_type USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT shobj_description('databricks_control_plane'::regrole, 'pg_authid')::jsonb ? identity_name THEN
        RAISE EXCEPTION 'identity "%" not found', identity_name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('CREATE ROLE %I LOGIN', identity_name);
    EXECUTE format('COMMENT ON ROLE %I IS %L', identity_name, identity_type);
    IF current_setting('server_version_num')::int >= 160000
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
        -- Since 16 the creator may hand a new role on, but not become it.
        EXECUTE format('GRANT %I TO %I WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', identity_name, session_user);
    END IF;
END
$body$;

CREATE OR REPLACE VIEW public.databricks_list_roles AS
SELECT rolname::text AS role_name, lower(kind) AS identity_type
FROM pg_roles, shobj_description(oid, 'pg_authid') AS kind
WHERE kind IN ('USER', 'SERVICE_PRINCIPAL', 'GROUP');

GRANT SELECT ON public.databricks_list_roles TO PUBLIC;

-- Known as an extension, so that the documented CREATE EXTENSION IF NOT EXISTS databricks_auth
-- succeeds without a file in the installation, which may not be ours to write to.
DO $body$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'databricks_auth') THEN
        RETURN;
    END IF;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    SELECT pg_nextoid('pg_extension', 'oid', 'pg_extension_oid_index'), 'databricks_auth', r.oid, n.oid, false, '1.0'
    FROM pg_roles r, pg_namespace n WHERE r.rolname = current_user AND n.nspname = 'public';
    ALTER EXTENSION databricks_auth ADD FUNCTION public.databricks_create_role(text, text);
    ALTER EXTENSION databricks_auth ADD VIEW public.databricks_list_roles;
END
$body$;

