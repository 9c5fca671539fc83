-- Tables for measuring: {{wide}} orders of 30 columns, {{items}} order items, and the same items at a small size.
SET synchronous_commit = off;
CREATE TABLE orders_wide (
  id bigint PRIMARY KEY, customer_id bigint NOT NULL, store_id int NOT NULL, status text NOT NULL, channel text, currency char(3) NOT NULL,
  subtotal numeric(12,2) NOT NULL, shipping numeric(10,2), tax numeric(10,2), discount numeric(10,2), total numeric(12,2) NOT NULL, items int NOT NULL, weight double precision,
  email text, phone text, first_name text, last_name text, street text, city text, postcode text, country char(2), note text, coupon text, gift boolean NOT NULL,
  rate real, external_id uuid, placed_at timestamptz NOT NULL, shipped_at timestamptz, due date, updated_at timestamptz NOT NULL);
INSERT INTO orders_wide
SELECT i, i % 99991, i % 37, (ARRAY['new','paid','packed','sent'])[1 + i % 4], CASE WHEN i % 3 > 0 THEN 'web' END, 'EUR',
  (i % 100000) / 100.0, (i % 1000) / 100.0, (i % 5000) / 100.0, CASE WHEN i % 5 = 0 THEN (i % 300) / 100.0 END, (i % 120000) / 100.0, 1 + i % 9, (i % 4000) / 8.0,
  'customer' || (i % 99991) || '@example.com', CASE WHEN i % 2 = 0 THEN '+49 30 ' || i END, 'Zoë', 'Müller' || (i % 977), 'Straße ' || (i % 5000), 'Köln', lpad((i % 99999)::text, 5, '0'), 'DE',
  CASE WHEN i % 7 = 0 THEN 'please ring twice, order ' || i END, CASE WHEN i % 11 = 0 THEN 'SPRING' END, i % 30 = 0, (i % 64) / 4.0, md5(i::text)::uuid,
  timestamptz '2022-01-01 00:00+00' + i * interval '90 seconds', CASE WHEN i % 3 > 0 THEN timestamptz '2022-01-03 00:00+00' + i * interval '90 seconds' END, date '2022-01-10' + (i % 1500)::int,
  timestamptz '2022-01-01 00:00+00' + i * interval '91 seconds'
FROM generate_series(1, {{wide}}) i;
CREATE INDEX ON orders_wide (updated_at);
CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint NOT NULL, line int NOT NULL, sku text NOT NULL, quantity int NOT NULL, unit_price numeric(10,2) NOT NULL,
  discount numeric(5,4), gift boolean NOT NULL, updated_at timestamptz NOT NULL);
INSERT INTO items
SELECT i, 1 + (i - 1) / 4, 1 + ((i - 1) % 4)::int, 'SKU-' || (i % 8000), 1 + i % 9, (i % 50000) / 100.0, CASE WHEN i % 5 = 0 THEN (i % 10000) / 10000.0 END, i % 30 = 0,
  timestamptz '2022-01-01 00:00+00' + i * interval '18 seconds'
FROM generate_series(1, {{items}}) i;
CREATE INDEX ON items (updated_at);
CREATE TABLE few_items (LIKE items INCLUDING ALL);
INSERT INTO few_items SELECT * FROM items WHERE id <= 100000;
ANALYZE;
