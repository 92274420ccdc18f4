-- What customers ask.
CREATE TABLE queues (
  id smallserial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  mailbox email
);
CREATE TABLE sla_policies (
  id smallserial PRIMARY KEY,
  priority ticket_priority NOT NULL UNIQUE,
  first_answer interval HOUR TO MINUTE NOT NULL,
  solution interval NOT NULL,
  CHECK (first_answer < solution)
);
CREATE TABLE tickets (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue_id smallint NOT NULL REFERENCES queues,
  customer_id bigint REFERENCES customers ON DELETE SET NULL,
  order_id bigint REFERENCES orders ON DELETE SET NULL,
  assigned_to bigint REFERENCES employees,
  subject text NOT NULL,
  state ticket_state NOT NULL DEFAULT 'new',
  priority ticket_priority NOT NULL DEFAULT 'normal',
  opened_at timestamptz NOT NULL,
  solved_at timestamptz,
  took interval GENERATED ALWAYS AS (solved_at - opened_at) STORED,
  merged_into bigint REFERENCES tickets,
  CONSTRAINT solved_has_a_time CHECK (state NOT IN ('solved', 'closed') OR solved_at IS NOT NULL)
);
CREATE TABLE ticket_messages (
  id bigserial PRIMARY KEY,
  ticket_id bigint NOT NULL REFERENCES tickets ON DELETE CASCADE,
  from_customer boolean NOT NULL,
  is_internal boolean NOT NULL DEFAULT false,
  body text NOT NULL,
  headers jsonb,
  at timestamptz NOT NULL,
  CONSTRAINT customers_write_openly CHECK (NOT (from_customer AND is_internal))
);
CREATE TABLE attachments (
  id uuid PRIMARY KEY,
  message_id bigint REFERENCES ticket_messages ON DELETE CASCADE,
  name text NOT NULL,
  content bytea NOT NULL,
  digest bytea GENERATED ALWAYS AS (sha256(content)) STORED
);
CREATE TABLE labels (
  id serial PRIMARY KEY,
  name text NOT NULL UNIQUE,
  colour char(7) CHECK (colour ~ '^#[0-9a-f]{6}$')
);
CREATE TABLE ticket_labels (
  ticket_id bigint REFERENCES tickets ON DELETE CASCADE,
  label_id integer REFERENCES labels ON DELETE CASCADE,
  PRIMARY KEY (ticket_id, label_id)
);
CREATE TABLE ticket_events (
  ticket_id bigint NOT NULL,
  at timestamptz NOT NULL,
  what text NOT NULL,
  data jsonb
) PARTITION BY HASH (ticket_id);
CREATE TABLE ticket_events_0 PARTITION OF ticket_events FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE ticket_events_1 PARTITION OF ticket_events FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE ticket_events_2 PARTITION OF ticket_events FOR VALUES WITH (MODULUS 3, REMAINDER 2);
ALTER TABLE ticket_events ADD FOREIGN KEY (ticket_id) REFERENCES tickets ON DELETE CASCADE;
