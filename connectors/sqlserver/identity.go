package sqlserver

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// whoSQL needs no permission but to be in the database. Values that a server
// keeps to itself come as NULL.
const whoSQL = `SELECT SUSER_SNAME(), DB_NAME(), CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')), CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), ` +
	`CONVERT(nvarchar(36), d.service_broker_guid), IS_SRVROLEMEMBER('sysadmin'), IS_MEMBER('db_owner'), CONVERT(nvarchar(128), SERVERPROPERTY('Edition')), CONVERT(int, d.snapshot_isolation_state), CONVERT(int, d.is_read_committed_snapshot_on) ` +
	`FROM sys.databases AS d WHERE d.name = DB_NAME()`

// What is asked beside it may be refused, by an edition or for want of a
// permission; then it is not known.
const (
	expirySQL  = `SELECT CONVERT(int, LOGINPROPERTY(SUSER_SNAME(), 'DaysUntilExpiration'))`
	filtersSQL = `SELECT COUNT(*) FROM sys.security_predicates AS f WHERE f.predicate_type = 0`
)

// Check signs in on a fresh connection: sessions that are already open go on
// working after a login was disabled or its password changed.
func (s *source) Check(ctx context.Context) (connector.Identity, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	defer c.close()
	rows, err := c.rows(ctx, whoSQL)
	if err == nil && (len(rows) != 1 || len(rows[0]) != 10) {
		err = fmt.Errorf("the server described itself in %d rows", len(rows))
	}
	if err != nil {
		return connector.Identity{}, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	days, known := c.perhaps(ctx, expirySQL)
	filters, _ := c.perhaps(ctx, filtersSQL)
	identity := s.identify(c, rows[0])
	identity.Trust = s.route.Trust()
	if known && days >= 0 {
		identity.Expiries = append(identity.Expiries, expiry(identity.User, days, time.Now()))
	}
	if filters > 0 {
		identity.Warnings = append(identity.Warnings, "A security policy filters rows in this database. Rows that it hides from this login are not read, and nobody can tell which these are.")
	}
	return identity, nil
}

// perhaps asks for one number that need not be had.
func (c *session) perhaps(ctx context.Context, sql string) (int64, bool) {
	rows, err := c.rows(ctx, sql)
	if err != nil || len(rows) != 1 || len(rows[0]) != 1 {
		return 0, false
	}
	n, ok := rows[0][0].(int64)
	return n, ok
}

// expiry is told by the server in whole days.
func expiry(user string, days int64, now time.Time) connector.Expiry {
	return connector.Expiry{What: "the password of login " + user, Source: connector.PasswordValidity,
		At: now.UTC().Truncate(24*time.Hour).AddDate(0, 0, int(min(days, 36500)))}
}

func (s *source) identify(c *session, row []driver.Value) connector.Identity {
	user, database := textOf(row[0]), textOf(row[1])
	found := connector.Identity{
		Account: database + " at " + s.settings["host"], User: user,
		Facts: map[string]string{
			"server_version": c.version, "edition": textOf(row[7]), "server_name": textOf(row[2]), "database": database,
			"updateability": textOf(row[3]), "snapshot_isolation": fmt.Sprint(c.snapshot), "tls": fmt.Sprint(c.tls),
		},
		Warnings: s.warnings(c, row),
	}
	s.fingerprint(&found, database, textOf(row[2]), textOf(row[4]))
	return found
}

const noGUID = "00000000-0000-0000-0000-000000000000"

// fingerprint names the database by the identifier that Service Broker gave it
// when it was made. It is readable for everyone, stays through restarts,
// patches, renamed servers, failover to any replica and moves by backup, and a
// new database has another one. The server's name would change in a failover,
// database_id and create_date in a restore, and the database's own guid
// (sys.database_recovery_status) needs a permission that readers do not have.
// A copy restored under another name keeps the identifier, hence the name with
// it.
func (s *source) fingerprint(found *connector.Identity, database, server, broker string) {
	name := strings.ToLower(database)
	if broker != "" && broker != noGUID {
		found.Facts["identified_by"] = "Service Broker identifier and name of the database"
		found.Facts["database_identifier"] = strings.ToLower(broker)
		found.Fingerprint = id + ":" + strings.ToLower(broker) + ":" + digest(name)
		return
	}
	found.Facts["identified_by"] = "names of server and database: the server does not tell the database's identifier"
	found.Fingerprint = id + ":name-" + digest(strings.ToLower(server)) + ":" + digest(name)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}

func (s *source) warnings(c *session, row []driver.Value) []string {
	var w []string
	mode := s.settings["tls_mode"]
	if mode == sqlkit.Prefer && !c.tls {
		mode = sqlkit.Off
	}
	if text := sqlkit.TLSWarning(mode, s.route.Tunnelled()); text != "" {
		w = append(w, text)
	}
	if yes(row[5]) || yes(row[6]) {
		w = append(w, "The login may do far more than read (sysadmin or db_owner). One that may only read is enough and safer; the steps beside the form make one.")
	}
	if !c.snapshot && number64(row[9]) != 1 && !strings.EqualFold(textOf(row[3]), "READ_ONLY") {
		w = append(w, "Snapshot isolation is off in this database, so reading waits for writers and they for it, and a full table is not read as of one moment. "+
			"ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON avoids both.")
	}
	return w
}
