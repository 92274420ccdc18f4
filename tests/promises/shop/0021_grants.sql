-- Who else may do what. The roles are there before.
GRANT USAGE ON SCHEMA shop TO shop_web, shop_reports, shop_support;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO shop_reports;
REVOKE SELECT ON password_resets, web_sessions, payments FROM shop_reports;
GRANT SELECT (id, order_id, state, amount) ON payments TO shop_reports;
GRANT SELECT, INSERT, UPDATE ON orders, order_lines, carts, cart_lines TO shop_web;
GRANT SELECT (id, name, email), UPDATE (name, email) ON customers TO shop_web;
GRANT ALL ON tickets, ticket_messages TO shop_support WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE document_number, ticket_messages_id_seq TO shop_web;
REVOKE ALL ON FUNCTION price_of(bigint), open_orders(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION price_of(bigint) TO shop_web;
REVOKE EXECUTE ON PROCEDURE place_order FROM PUBLIC;
GRANT EXECUTE ON ROUTINE place_order TO shop_web;
GRANT USAGE ON TYPE order_state, email TO shop_web;
REVOKE USAGE ON DOMAIN sku FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO shop_reports;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
