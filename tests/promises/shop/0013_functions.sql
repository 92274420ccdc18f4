-- What the database computes: plain SQL, SQL with BEGIN ATOMIC, PL/pgSQL, aggregates, operators.
CREATE FUNCTION net_of(gross numeric, rate numeric DEFAULT 19) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT round(gross / (1 + rate / 100), 2) $$;

CREATE FUNCTION order_total(the_order bigint) RETURNS numeric
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT COALESCE(sum(CASE WHEN l.pieces::integer > 0 THEN l.gross ELSE 0 END), 0)
    FROM order_lines l WHERE l.order_id = the_order;
END;

CREATE FUNCTION price_of(variant bigint, list integer, at timestamptz, wanted integer DEFAULT 1)
  RETURNS numeric LANGUAGE sql STABLE COST 50
BEGIN ATOMIC
  SELECT p.amount FROM prices p
    WHERE p.variant_id = price_of.variant AND p.list_id = price_of.list
      AND p.valid @> price_of.at AND p.from_pieces::integer <= wanted
    ORDER BY p.from_pieces DESC LIMIT 1;
END;
-- The same name with other arguments.
CREATE FUNCTION price_of(variant bigint) RETURNS numeric LANGUAGE sql STABLE
  RETURN price_of(variant, 1, '2024-06-01 00:00:00+00'::timestamptz);

CREATE FUNCTION category_path(start integer, VARIADIC separators text[] DEFAULT '{" > "}')
  RETURNS text LANGUAGE plpgsql STABLE AS $function$
DECLARE
  path text;
BEGIN
  WITH RECURSIVE up AS (
    SELECT id, parent_id, name, 1 AS depth FROM categories WHERE id = start
    UNION ALL
    SELECT c.id, c.parent_id, c.name, up.depth + 1 FROM categories c JOIN up ON c.id = up.parent_id
  )
  SELECT string_agg(name, separators[1] ORDER BY depth DESC) INTO path FROM up;
  RETURN path;
END
$function$;

CREATE FUNCTION open_orders(of_customer bigint DEFAULT NULL)
  RETURNS TABLE (order_id bigint, placed_at timestamptz, total numeric)
  LANGUAGE plpgsql STABLE ROWS 100 AS $$
BEGIN
  RETURN QUERY
    SELECT o.id, o.placed_at, order_total(o.id) FROM orders o
    WHERE o.state NOT IN ('done', 'cancelled') AND (of_customer IS NULL OR o.customer_id = of_customer);
END $$;

CREATE PROCEDURE place_order(the_order bigint, at timestamptz)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE orders SET state = 'placed', placed_at = at WHERE id = the_order AND state = 'draft';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'order % is no draft', the_order USING ERRCODE = 'P0002';
  END IF;
  INSERT INTO order_events (order_id, state, at) VALUES (the_order, 'placed', at);
EXCEPTION
  WHEN unique_violation THEN
    RAISE WARNING 'order % was placed twice; ignored', the_order;
END $$;

CREATE PROCEDURE forget_sessions(older timestamptz, INOUT forgotten bigint DEFAULT 0)
BEGIN ATOMIC
  WITH gone AS (DELETE FROM web_sessions WHERE seen_at < older RETURNING 1)
  SELECT count(*) FROM gone;
END;

CREATE FUNCTION first_not_null(anyelement, anyelement) RETURNS anyelement
  LANGUAGE sql IMMUTABLE AS 'SELECT COALESCE($1, $2)';
CREATE AGGREGATE first_seen(anyelement) (SFUNC = first_not_null, STYPE = anyelement, PARALLEL = SAFE);

CREATE FUNCTION same_letters(a text, b text) RETURNS boolean
  LANGUAGE sql IMMUTABLE STRICT RETURN lower(a) = lower(b);
CREATE OPERATOR ~=~ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = same_letters, COMMUTATOR = ~=~, RESTRICT = eqsel, JOIN = eqjoinsel
);

CREATE FUNCTION address_text(postal_address) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  AS $$SELECT concat_ws(', ', concat_ws(' ', $1.street, $1.house_number), concat_ws(' ', $1.postcode, $1.city))$$;
CREATE CAST (postal_address AS text) WITH FUNCTION address_text(postal_address) AS ASSIGNMENT;
