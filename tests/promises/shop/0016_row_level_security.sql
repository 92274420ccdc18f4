-- Who sees which rows.
CREATE FUNCTION acting_customer() RETURNS bigint LANGUAGE sql STABLE
  RETURN NULLIF(current_setting('shop.customer', true), '')::bigint;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_account ON customers FOR SELECT TO shop_web USING (id = acting_customer());
CREATE POLICY own_changes ON customers FOR UPDATE TO shop_web
  USING (id = acting_customer()) WITH CHECK (id = acting_customer() AND deleted_at IS NULL);
CREATE POLICY reports_see_all ON customers FOR SELECT TO shop_reports USING (true);

ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_orders ON orders TO shop_web USING (customer_id = acting_customer());
CREATE POLICY no_old_changes ON orders AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (state <> 'done');
CREATE POLICY reports_see_all ON orders FOR SELECT TO shop_reports USING (true);

ALTER TABLE tickets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tickets ON tickets FOR ALL TO shop_web
  USING (customer_id = acting_customer()) WITH CHECK (customer_id = acting_customer() AND state = 'new');
CREATE POLICY support_sees_queues ON tickets TO shop_support
  USING (queue_id IN (SELECT id FROM queues WHERE name !~ '^private'));

ALTER TABLE ticket_messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY open_messages ON ticket_messages FOR SELECT TO shop_web USING (
  NOT is_internal AND EXISTS (SELECT FROM tickets t WHERE t.id = ticket_id AND t.customer_id = acting_customer())
);
CREATE POLICY support_writes ON ticket_messages TO shop_support USING (true);

-- The owner as well.
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY only_added_to ON audit_log FOR INSERT WITH CHECK (true);
CREATE POLICY reports_see_all ON audit_log FOR SELECT TO shop_reports, CURRENT_USER USING (actor <> 'root');
