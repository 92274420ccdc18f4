-- A state between paid and picking. Postgres lets it be used when this is committed.
ALTER TYPE order_state ADD VALUE 'backordered' AFTER 'paid';
ALTER TYPE ticket_priority ADD VALUE IF NOT EXISTS 'someday' BEFORE 'low';
