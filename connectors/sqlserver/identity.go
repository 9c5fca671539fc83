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
	`CONVERT(nvarchar(36), d.service_broker_guid), CONVERT(int, LOGINPROPERTY(SUSER_SNAME(), 'DaysUntilExpiration')), ` +
	`IS_SRVROLEMEMBER('sysadmin'), IS_MEMBER('db_owner'), CONVERT(nvarchar(128), SERVERPROPERTY('Edition')), CONVERT(int, d.snapshot_isolation_state), CONVERT(int, d.is_read_committed_snapshot_on), ` +
	`(SELECT COUNT(*) FROM sys.security_predicates AS f WHERE f.predicate_type = 0) FROM sys.databases AS d WHERE d.database_id = DB_ID()`

// Check signs in on a fresh connection: sessions that are already open go on
// working after a login was disabled or its password changed.
func (s *source) Check(ctx context.Context) (connector.Identity, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	defer c.close()
	rows, err := c.rows(ctx, whoSQL)
	if err == nil && (len(rows) != 1 || len(rows[0]) != 12) {
		err = fmt.Errorf("the server described itself in %d rows", len(rows))
	}
	if err != nil {
		return connector.Identity{}, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	identity := s.identify(c, rows[0], time.Now())
	identity.Trust = s.route.Trust()
	return identity, nil
}

func (s *source) identify(c *session, row []driver.Value, now time.Time) connector.Identity {
	user, database := textOf(row[0]), textOf(row[1])
	found := connector.Identity{
		Account: database + " at " + s.settings["host"], User: user,
		Facts: map[string]string{
			"server_version": c.version, "edition": textOf(row[8]), "server_name": textOf(row[2]), "database": database,
			"updateability": textOf(row[3]), "snapshot_isolation": fmt.Sprint(c.snapshot), "tls": fmt.Sprint(c.tls),
		},
		Warnings: s.warnings(c, row),
	}
	s.fingerprint(&found, database, textOf(row[2]), textOf(row[4]))
	if days, ok := row[5].(int64); ok && days >= 0 {
		found.Expiries = append(found.Expiries, connector.Expiry{What: "the password of login " + user,
			At: now.UTC().Truncate(24*time.Hour).AddDate(0, 0, int(min(days, 36500))), Source: connector.PasswordValidity})
	}
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
	if yes(row[6]) || yes(row[7]) {
		w = append(w, "The login may do far more than read (sysadmin or db_owner). One that may only read is enough and safer; the steps beside the form make one.")
	}
	if !c.snapshot && number64(row[10]) != 1 && !strings.EqualFold(textOf(row[3]), "READ_ONLY") {
		w = append(w, "Snapshot isolation is off in this database, so reading waits for writers and they for it, and a full table is not read as of one moment. "+
			"ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON avoids both.")
	}
	if number64(row[11]) > 0 {
		w = append(w, "A security policy filters rows in this database. Rows that it hides from this login are not read, and nobody can tell which these are.")
	}
	return w
}
