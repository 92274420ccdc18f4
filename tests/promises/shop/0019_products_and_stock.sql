-- A catalogue of some size, the same each time it is made.
INSERT INTO brands (name) SELECT 'Marke ' || chr(64 + n) FROM generate_series(1, 12) n;
INSERT INTO categories (parent_id, name, sort) VALUES (NULL, 'Haus', 1), (NULL, 'Garten', 2);
INSERT INTO categories (parent_id, name, sort) SELECT 1 + n % 2, 'Gruppe ' || n, n FROM generate_series(1, 10) n;
INSERT INTO categories (parent_id, name, sort) SELECT 3 + n % 10, 'Art ' || n, n FROM generate_series(1, 40) n;
INSERT INTO category_names SELECT id, 'fr', name || ' (fr)' FROM categories WHERE id % 3 = 0;
INSERT INTO attributes (code, kind, unit) VALUES ('colour', 'choice', NULL), ('length', 'number', 'mm');
INSERT INTO attribute_values (attribute_id, value, sort)
SELECT 1, value, row_number() OVER (ORDER BY value) FROM unnest('{blau,rot,grün,"weiß, matt"}'::text[]) value;

INSERT INTO products (number, brand_id, tax_class, title, description, attributes, labels, weight_grams, size_mm)
SELECT 'P-' || lpad(n::text, 5, '0'), 1 + n % 12, 1 + n % 2, 'Ding Nr. ' || n, repeat('Gut und günstig. ', n % 9),
       jsonb_build_object('colour', (ARRAY['blau', 'rot'])[1 + n % 2], 'length', n, 'nested', jsonb_build_array(n, NULL)),
       CASE WHEN n % 5 = 0 THEN '{neu,"im Angebot"}' ELSE '{}' END::tags, 10 + n, ARRAY[n, n + 1, n + 2]
FROM generate_series(1, 400) n;
INSERT INTO product_names SELECT id, 'fr', 'Chose n° ' || id FROM products WHERE id % 4 = 0;
INSERT INTO product_variants (product_id, number, barcode, options)
SELECT p.id, size, lpad((p.id * 7 + length(size))::text, 13, '4'), jsonb_build_object('size', size)
FROM products p CROSS JOIN (VALUES ('S'), ('M'), ('XL')) sizes (size) WHERE p.id % 3 <> 0 OR size = 'M'
ORDER BY p.id, size;
INSERT INTO variant_attributes SELECT id, 1 + id % 4 FROM product_variants;
INSERT INTO product_categories SELECT id, 13 + id % 40, true FROM products;
INSERT INTO product_categories SELECT id, 3 + id % 10 FROM products WHERE id % 2 = 0 ON CONFLICT DO NOTHING;
INSERT INTO product_relations SELECT id, id + 1 FROM products WHERE id < 100;
INSERT INTO product_images SELECT id, 1, format('https://cdn.example/%s.jpg', id), NULL FROM products;
INSERT INTO bundles VALUES (10, 5), (20, 12.5);
INSERT INTO bundle_items (bundle_id, variant_id, pieces) VALUES (10, 1, 2), (10, 5, DEFAULT), (20, 7, 3);

INSERT INTO prices (list_id, variant_id, amount, valid)
SELECT l.id, v.id, round(5 + v.id * 0.37 * l.id, 2),
       CASE WHEN v.id % 10 = 0 THEN tstzrange('2024-01-01 00:00:00+00', '2024-07-01 00:00:00+00')
            ELSE '[2020-01-01 00:00:00+00,)' END
FROM price_lists l CROSS JOIN product_variants v WHERE l.id < 3 ORDER BY 1, 2;
INSERT INTO prices (list_id, variant_id, amount, from_pieces)
SELECT 1, id, round(4 + id * 0.31, 2), 10 FROM product_variants WHERE id % 4 = 0;
UPDATE prices SET amount = amount + 0.01 WHERE id % 50 = 0;
INSERT INTO discounts (title, rate, amount, during, only_for) VALUES
  ('Sommer', 10, NULL, '[2024-06-01 00:00:00+00,2024-09-01 00:00:00+00)', '[10,100)'), ('Treue', NULL, 5, NULL, NULL);
INSERT INTO vouchers VALUES ('SOMMER24', 1, 100, '6f8a2f0e-3a0e-4a8e-9a55-0a2b7c1d9e01'), ('DANKE', 2, NULL, NULL);
INSERT INTO discount_products SELECT 1, id FROM products WHERE id % 7 = 0;

INSERT INTO warehouses (code, branch_id, floor_plan) VALUES ('HAM', 1, '((0,0),(0,9),(9,9))'), ('KI', 2, NULL);
INSERT INTO warehouse_zones VALUES (1, 'A', '[2,8]'), (1, 'B', NULL), (2, 'A', NULL);
INSERT INTO bins (warehouse_id, zone, shelf, place) SELECT 1, 'A', n / 10, n % 10 FROM generate_series(0, 49) n;
INSERT INTO stock_movements (moved_at, variant_id, bin_id, kind, pieces)
SELECT timestamptz '2023-12-01 00:00:00+00' + n * interval '1 hour', 1 + n % 900, 1 + n % 50, 'receipt', 100 + n % 7
FROM generate_series(1, 1500) n WHERE EXISTS (SELECT FROM product_variants WHERE id = 1 + n % 900);
INSERT INTO suppliers (name, address, rating)
SELECT 'Lieferant ' || n, ROW('Weg', n, lpad(n::text, 5, '0'), 'Ort', 'DE')::postal_address, n % 6
FROM generate_series(1, 20) n;
INSERT INTO supplier_products SELECT 1 + id % 20, id, 'X' || id, id * 0.2, make_interval(days => 1 + (id % 9)::int)
FROM product_variants;
