-- Addresses leave the composite columns: rows move, columns go, views follow.
CREATE TABLE addresses (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
  label text NOT NULL,
  street text,
  postcode text NOT NULL,
  city text NOT NULL,
  country country_code NOT NULL REFERENCES countries,
  UNIQUE (customer_id, label)
);
INSERT INTO addresses (customer_id, label, street, postcode, city, country)
SELECT id, 'billing', concat_ws(' ', (billing).street, (billing).house_number), (billing).postcode,
       (billing).city, (billing).country
FROM customers WHERE billing IS NOT NULL ORDER BY id;
INSERT INTO addresses (customer_id, label, street, postcode, city, country)
SELECT customer_id, label, (address).street, (address).postcode, (address).city, (address).country
FROM customer_addresses ORDER BY id;
ALTER TABLE customers
  ADD COLUMN billing_address_id bigint,
  ADD COLUMN loyalty_points integer NOT NULL DEFAULT 0,
  DROP COLUMN billing;
UPDATE customers c SET billing_address_id = a.id
FROM addresses a WHERE a.customer_id = c.id AND a.label = 'billing';
ALTER TABLE customers
  ADD CONSTRAINT customers_billing_address FOREIGN KEY (billing_address_id) REFERENCES addresses (id)
    ON DELETE SET NULL NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT customers_billing_address;
DROP TABLE customer_addresses;

ALTER TYPE postal_address ADD ATTRIBUTE state text CASCADE;
ALTER TYPE postal_address RENAME ATTRIBUTE house_number TO number CASCADE;
