-- What is there before the first customer comes.
INSERT INTO countries VALUES
  ('DE', 'Deutschland', true, '+49'), ('AT', 'Österreich', true, '+43'), ('CH', 'Schweiz', false, '+41'),
  ('FR', 'France', true, '+33'), ('CI', 'Côte d''Ivoire', false, '+225'), ('JP', '日本', false, '+81');
INSERT INTO currencies VALUES ('EUR', 'Euro', 2), ('CHF', 'Franken', 2), ('JPY', '円', 0);
INSERT INTO languages VALUES ('de', 'Deutsch', 'german'), ('fr', 'Français', 'french'), ('ja', '日本語', DEFAULT);
INSERT INTO tax_classes (name) VALUES ('full'), ('reduced'), ('none');
INSERT INTO tax_rates (country, tax_class, rate, valid) VALUES
  ('DE', 1, 19, '[2000-01-01,2020-07-01)'), ('DE', 1, 16, '[2020-07-01,2021-01-01)'), ('DE', 1, 19, '[2021-01-01,)'),
  ('DE', 2, 7, DEFAULT), ('AT', 1, 20, DEFAULT), ('FR', 1, 20, DEFAULT), ('FR', 2, 5.5, DEFAULT);
INSERT INTO companies (name, address, vat_id) VALUES
  ('Kontor & Söhne "GmbH"', ROW('Am Kai', '1a', '20457', 'Hamburg', 'DE'), 'DE123456789'),
  (E'Line\nbreak; \\ and \t tab', NULL, NULL);
INSERT INTO branches (company_id, name, position, opening_hours) VALUES
  (1, 'Speicher', '(9.99,53.54)', ARRAY[tsrange('2024-01-02 09:00', '2024-01-02 18:00')]), (1, 'Markt', NULL, '{}');
-- The head office names its own parent before it is there.
INSERT INTO departments (branch_id, parent_id, name) VALUES (1, NULL, 'Leitung'), (1, 1, 'Einkauf'), (1, 1, 'Lager');
INSERT INTO employees (department_id, given_name, family_name, login, email, employed, salary, photo, created_at)
SELECT 1 + n % 3, 'Vor' || n, 'Nach' || n, 'e' || n, 'e' || n || '@kontor.example',
       daterange('2020-01-01'::date + n, NULL), 3000 + 10.5 * n, decode(lpad(to_hex(n), 8, '0'), 'hex'),
       '2024-01-01 00:00:00+00'
FROM generate_series(1, 25) n;
UPDATE departments SET head_id = 1 WHERE parent_id IS NULL;
INSERT INTO holidays SELECT c.code, d.day, d.name
FROM countries c CROSS JOIN (VALUES ('2024-01-01'::date, 'Neujahr'), ('2024-12-25', 'Weihnachten')) d (day, name)
WHERE c.in_union;
INSERT INTO price_lists (name, currency) VALUES ('shop', 'EUR'), ('trade', 'EUR'), ('swiss', 'CHF');
INSERT INTO exchange_rates SELECT 'EUR', 'CHF', '2024-01-01'::date + n, 0.93 + n / 1000.0 FROM generate_series(0, 30) n;
INSERT INTO customer_groups (name, price_list_id) VALUES ('private', 1), ('trade', 2);
INSERT INTO queues (name, mailbox) VALUES ('general', 'help@kontor.example'), ('private matters', NULL);
INSERT INTO sla_policies (priority, first_answer, solution) VALUES
  ('normal', '8 hours', '3 days'), ('high', '2:30', '1 day'), ('urgent', '00:30', '4 hours');
INSERT INTO carriers (name, tracking_url) VALUES ('Post', 'https://post.example/?n=%s'), ('Bote', NULL);
INSERT INTO carrier_services VALUES (1, 'S', 5000, 4.99), (1, 'L', 31500, 9.99), (2, 'X', NULL, 0);
INSERT INTO payment_methods VALUES ('invoice', 'Rechnung', 0, '{}'), ('card', 'Karte', 0.35, '{"3ds": true}');
INSERT INTO dunning_levels VALUES (1, '14 days', 0), (2, '1 mon', 5), (3, 'P2M', 10);
INSERT INTO fiscal_years VALUES (2023, '[2023-01-01,2024-01-01)', true), (2024, '[2024-01-01,2025-01-01)', false);
INSERT INTO accounts VALUES ('1000', 'Kasse', 'A', NULL), ('1200', 'Bank', 'A', '1000'), ('8400', 'Erlöse', 'R', NULL);
INSERT INTO journals (name) VALUES ('Verkauf'), ('Einkauf');
INSERT INTO translations VALUES ('greeting', 'de', 'Grüß Gott, $1!'), ('greeting', 'ja', 'こんにちは'), ('path', 'de', 'C:\neu\');
INSERT INTO pages (path, language, title, body) VALUES
  ('/', 'de', 'Willkommen', $page$Bücher; Bilder; <b>"Möbel"</b> -- und mehr$page$),
  ('/agb', 'de', 'AGB', repeat('Absatz. ', 400));
