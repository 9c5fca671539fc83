package postgresql

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/regrant/regrant/connector"
)

// Check signs in on a fresh connection: sessions that are already open go on
// working after a password was changed or a role was locked.
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
	id := s.identify(ctx, c, rows[0])
	id.Trust = s.route.Trust()
	return id, nil
}

// whoSQL reads catalogs only. has_function_privilege is asked first because
// pg_control_system is closed to ordinary roles on some managed servers.
const whoSQL = `SELECT current_user, current_database(), (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()), ` +
	`current_setting('server_version'), pg_is_in_recovery(), pg_catalog.pg_encoding_to_char(d.encoding), r.rolsuper, r.rolbypassrls, ` +
	`CASE WHEN isfinite(r.rolvaliduntil) THEN floor(extract(epoch FROM r.rolvaliduntil))::int8 END, has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') ` +
	`FROM pg_catalog.pg_roles r, pg_catalog.pg_database d WHERE r.rolname = current_user AND d.datname = current_database()`

func (s *source) identify(ctx context.Context, c *session, row [][]byte) connector.Identity {
	user, database := string(row[0]), string(row[1])
	id := connector.Identity{
		Account: database + " at " + s.settings["host"], User: user,
		Facts: map[string]string{
			"server_version": string(row[3]), "encoding": string(row[5]), "database": database, "database_oid": string(row[2]),
			"standby": fmt.Sprint(yes(row[4])), "tls": fmt.Sprint(c.tls),
		},
	}
	s.fingerprint(ctx, c, &id, yes(row[9]))
	if row[8] != nil {
		id.Expiries = append(id.Expiries, connector.Expiry{What: "the password of role " + user, At: time.Unix(number64(row[8]), 0).UTC(), Source: connector.PasswordValidity})
	}
	id.Expiries = append(id.Expiries, s.certificateExpiry()...)
	id.Warnings = s.warnings(c, row)
	return id
}

// certificateExpiry is the end of the client certificate, if one is used.
func (s *source) certificateExpiry() []connector.Expiry {
	if s.tls == nil || len(s.tls.Certificates) == 0 || len(s.tls.Certificates[0].Certificate) == 0 {
		return nil
	}
	cert, err := x509.ParseCertificate(s.tls.Certificates[0].Certificate[0])
	if err != nil {
		return nil
	}
	return []connector.Expiry{{What: "the client certificate", At: cert.NotAfter.UTC(), Source: connector.Certificate}}
}

// fingerprint names the database by its cluster's own number, which a standby
// shares and no other cluster has. Where that number is not to be had, the
// address stands in, and the facts say so.
func (s *source) fingerprint(ctx context.Context, c *session, id *connector.Identity, permitted bool) {
	oid := id.Facts["database_oid"]
	if permitted {
		rows, err := c.rows(ctx, "SELECT system_identifier FROM pg_catalog.pg_control_system()")
		if err == nil && len(rows) == 1 {
			id.Facts["identified_by"] = "system identifier and database"
			id.Facts["system_identifier"] = string(rows[0][0])
			id.Fingerprint = "postgresql:" + string(rows[0][0]) + ":" + oid
			return
		}
	}
	id.Facts["identified_by"] = "address and database: the server does not let this role read its system identifier"
	sum := sha256.Sum256([]byte(s.route.Address() + "\x00" + s.settings["ssh_host"] + "\x00" + id.Facts["database"]))
	id.Fingerprint = "postgresql:address-" + hex.EncodeToString(sum[:12]) + ":" + oid
}

func (s *source) warnings(c *session, row [][]byte) []string {
	var w []string
	if !c.tls && !s.route.Tunnelled() {
		w = append(w, "TLS is off: the password is protected, but rows travel readable for everyone on the way.")
	}
	if yes(row[6]) {
		w = append(w, "The role is a superuser. A role that may only read is enough and safer; the steps beside the form make one.")
	}
	if yes(row[4]) {
		w = append(w, "This is a standby. Long readings may be cancelled by its recovery; hot_standby_feedback = on avoids that.")
	}
	if string(row[5]) == "SQL_ASCII" {
		w = append(w, "The database has no text encoding (SQL_ASCII). Text that is not UTF-8 arrives with replacement characters.")
	}
	return w
}
