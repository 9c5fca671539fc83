-- The shop for MySQL and MariaDB. {{customers}} {{products}} {{orders}} {{items}} {{visits}} are filled in.
CREATE TABLE digits (d INT PRIMARY KEY);
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE TABLE numbers (i INT PRIMARY KEY);
INSERT INTO numbers
SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d FROM digits a, digits b, digits c, digits d, digits e, digits f
WHERE 1 + a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d <= {{items}};

CREATE TABLE customers (
  id BIGINT PRIMARY KEY, email VARCHAR(120) NOT NULL, name VARCHAR(80) CHARACTER SET utf8mb4 NOT NULL, country CHAR(2), birthday DATE, vip TINYINT NOT NULL, credit DECIMAL(12,2),
  profile JSON, local_time_at DATETIME, created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (updated_at));
INSERT INTO customers
SELECT i, CONCAT('customer', i, '@example.com'), CONCAT(ELT(1 + CRC32(i) % 8, 'Åsa Öberg', 'José Núñez', '李小龍', 'Zoë Müller', 'Иван Петров', 'محمد علي', 'O''Brien', '👩‍🚀 Ada'), ' ', i),
  IF(CRC32(i + 1) % 20 > 0, ELT(1 + CRC32(i + 1) % 4, 'SE', 'ES', 'CN', 'DE'), NULL), IF(CRC32(i + 2) % 3 > 0, DATE_ADD('1940-01-01', INTERVAL CRC32(i + 3) % 25000 DAY), NULL), CRC32(i + 4) % 50 = 0,
  IF(CRC32(i + 5) % 4 > 0, (CRC32(i + 6) % 10000000 - 200000.0) / 100, NULL), IF(CRC32(i + 8) % 5 > 0, CONCAT('{"n": ', i, ', "price": 1.5, "emoji": "🚲"}'), NULL),
  IF(CRC32(i + 9) % 6 > 0, TIMESTAMPADD(MINUTE, 7 * i, '2024-03-31 02:30:00'), NULL), TIMESTAMPADD(MINUTE, 11 * i, '2021-01-01'), TIMESTAMPADD(MINUTE, 5 * i, '2023-01-01')
FROM numbers WHERE i <= {{customers}};

CREATE TABLE products (sku VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, title VARCHAR(80) CHARACTER SET utf8mb4 NOT NULL, price DECIMAL(10,2) NOT NULL, weight DOUBLE, picture BLOB, active TINYINT NOT NULL);
INSERT INTO products
SELECT CONCAT('SKU-', LPAD(HEX(i * 7919), 8, '0')), CONCAT('Fahrrad №', i), CRC32(i) % 500000 / 100.0 + 0.01, IF(CRC32(i + 1) % 9 > 0, CRC32(i) % 4000 / 8.0, NULL), IF(CRC32(i + 3) % 10 = 0, UNHEX(SUBSTR(SHA2(i, 256), 1, 32)), NULL), CRC32(i + 4) % 12 > 0
FROM numbers WHERE i <= {{products}};

CREATE TABLE orders (
  id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL, status ENUM('new', 'paid', 'packed', 'sent', 'returned') NOT NULL, total DECIMAL(14,2) NOT NULL, currency CHAR(3) NOT NULL, note TEXT CHARACTER SET utf8mb4,
  placed_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), shipped_at TIMESTAMP(6) NULL, updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (updated_at));
INSERT INTO orders
SELECT i, 1 + CRC32(i) % {{customers}}, ELT(1 + CRC32(i + 1) % 5, 'new', 'paid', 'packed', 'sent', 'returned'), CRC32(i + 2) % 100000000 / 100.0, ELT(1 + CRC32(i + 3) % 4, 'EUR', 'USD', 'SEK', 'JPY'),
  CASE CRC32(i + 4) % 7 WHEN 0 THEN CONCAT('Bitte klingeln\nTab\there \\ "quote" ', i) WHEN 1 THEN '' END,
  TIMESTAMPADD(SECOND, 63 * i, '2023-05-01'), IF(CRC32(i + 5) % 3 > 0, TIMESTAMPADD(SECOND, 63 * i, '2023-05-03'), NULL), TIMESTAMPADD(SECOND, 64 * i, '2023-05-01')
FROM numbers WHERE i <= {{orders}};

CREATE TABLE order_items (
  id BIGINT PRIMARY KEY, order_id BIGINT NOT NULL, line INT NOT NULL, sku VARCHAR(40) NOT NULL, quantity INT UNSIGNED NOT NULL, unit_price DECIMAL(10,2) NOT NULL, discount DECIMAL(5,4), gift TINYINT NOT NULL,
  updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (updated_at));
INSERT INTO order_items
SELECT i, 1 + (i - 1) DIV 4, 1 + (i - 1) % 4, CONCAT('SKU-', LPAD(HEX((1 + CRC32(i) % {{products}}) * 7919), 8, '0')), 1 + CRC32(i + 1) % 9, CRC32(i + 2) % 500000 / 100.0,
  IF(CRC32(i + 3) % 5 = 0, CRC32(i) % 10000 / 10000.0, NULL), CRC32(i + 4) % 30 = 0, TIMESTAMPADD(SECOND, 16 * i, '2023-05-01')
FROM numbers;

CREATE TABLE visits (id BIGINT AUTO_INCREMENT PRIMARY KEY, path VARCHAR(120) NOT NULL, address VARCHAR(40), code SMALLINT NOT NULL);
INSERT INTO visits (path, address, code)
SELECT CONCAT('/p/', CRC32(i) % 9999), IF(CRC32(i + 1) % 3 > 0, CONCAT('10.1.', CRC32(i) % 250, '.', CRC32(i + 2) % 250), NULL), 200 + CRC32(i) % 5 * 100 FROM numbers WHERE i <= {{visits}};

CREATE TABLE shop_settings (name VARCHAR(40) NOT NULL, value VARCHAR(120) CHARACTER SET utf8mb4);
INSERT INTO shop_settings VALUES ('title', 'Fahrradladen Öl & Kette'), ('currency', 'EUR'), ('motto', NULL), ('motto', '');
DROP TABLE digits;
