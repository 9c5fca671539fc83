package mysql

import (
	"context"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

// wideSQL is an orders table of 30 columns, of the kinds that shops have.
const wideSQL = `CREATE TABLE wide (id bigint AUTO_INCREMENT PRIMARY KEY, a1 int, a2 int, a3 bigint, a4 bigint, a5 smallint, n1 decimal(12,2), n2 decimal(12,2), n3 decimal(18,4), n4 decimal(10,2),
 t1 text, t2 text, t3 varchar(40), t4 varchar(40), t5 text, t6 char(2), t7 char(3), t8 text, d1 date, d2 date, s1 timestamp NOT NULL, s2 timestamp NULL, s3 datetime(6), b1 tinyint(1), b2 tinyint(1), f1 double, f2 double, u1 char(36), j1 json, i1 int)`

const wideRows = `INSERT INTO wide SELECT i, i % 1000, i * 7 % 100000, i * 3, i % 50, i % 7, i % 100000 / 100.0, i % 7777 / 100.0, i * 1.2345, i % 99,
 CONCAT('customer ', i % 5000), CONCAT('street ', i), CONCAT('city ', i % 300), IF(i % 3 = 0, CONCAT('remark ', i), NULL), HEX(i * 7919), 'DE', 'EUR', 'status', '2020-01-01' + INTERVAL (i % 1500) DAY, NULL,
 '2026-01-01' - INTERVAL i SECOND, '2026-01-01' - INTERVAL 2 * i SECOND, '2026-01-01' - INTERVAL i SECOND, i % 2, i % 3 = 0, i / 7.0, i * 1.5, '0f8fad5b-d9cb-469f-a165-70867728950e', CONCAT('{"k":', i, '}'), i % 12 FROM `

// BenchmarkRead compares reading into Arrow with the floor: the same rows over
// the same protocol, cut into values and thrown away.
func BenchmarkRead(b *testing.B) {
	for _, flavour := range []mysql.Flavour{mysql.MariaDB, mysql.MySQL} {
		b.Run(string(flavour), func(b *testing.B) {
			const rows = 200_000
			server := bundle{mysql.Start(b, mysql.Config{Flavour: flavour, Settings: map[string]string{"innodb-buffer-pool-size": "512M"}}), b}
			server.Exec(b, "CREATE DATABASE shop CHARACTER SET utf8mb4", "CREATE USER "+testUser+"@'%' IDENTIFIED BY '"+testPassword+"'", "GRANT SELECT ON shop.* TO "+testUser+"@'%'")
			server.exec(wideSQL, wideRows+series(rows))
			s := server.open().(*source)
			table := tableOf(b, s, "shop.wide")
			var floor, ours time.Duration
			for b.Loop() {
				began := time.Now()
				c, err := s.connect(context.Background())
				must(b, err)
				must(b, c.Exec(context.Background(), "SELECT * FROM shop.wide"))
				c.close()
				floor += time.Since(began)
				began = time.Now()
				for batch, err := range s.Read(context.Background(), request(table, connector.AutoIncrement, "id")) {
					must(b, err)
					batch.Release()
				}
				ours += time.Since(began)
			}
			n := float64(rows * b.N)
			b.ReportMetric(n/floor.Seconds(), "floor-rows/s")
			b.ReportMetric(n/ours.Seconds(), "rows/s")
			b.ReportMetric(floor.Seconds()/ours.Seconds(), "of-floor")
		})
	}
}
