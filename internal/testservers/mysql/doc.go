// Package mysql starts private, real MySQL and MariaDB servers for tests and
// benchmarks: one throw-away data directory per server, on 127.0.0.1 and a
// free port, without containers and without touching a server of the machine.
//
// MariaDB is the machine's own (Debian: mariadb-server-core). MySQL, which
// Debian has in its unstable branch only, lies extracted in a cache directory:
// see scripts/mysql.sh. Neither is fit for data that anybody wants to keep.
package mysql
