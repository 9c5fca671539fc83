package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// Check signs in on a fresh connection: sessions that are already open go on
// working after a password was changed or a user was dropped.
func (s *source) Check(ctx context.Context) (connector.Identity, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	defer c.close()
	rows, err := c.All(ctx, "SELECT CURRENT_USER(), COALESCE(DATABASE(), ''), @@version, @@version_comment, @@read_only, @@system_time_zone, @@hostname, @@port")
	if err == nil && (len(rows) != 1 || len(rows[0]) != 8) {
		err = fmt.Errorf("the server described itself in %d rows", len(rows))
	}
	if err != nil {
		return connector.Identity{}, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	id, err := s.identify(ctx, c, rows[0])
	if err != nil {
		return connector.Identity{}, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	id.Trust = s.route.Trust()
	return id, nil
}

func (s *source) identify(ctx context.Context, c *session, row [][]byte) (connector.Identity, error) {
	database := string(row[1])
	id := connector.Identity{
		Account: s.settings["host"], User: string(row[0]),
		Facts: map[string]string{
			"server_version": string(row[2]), "edition": string(row[3]), "database": database, "read_only": string(row[4]),
			"server_time_zone": string(row[5]), "server_host": string(row[6]), "server_port": string(row[7]), "tls": fmt.Sprint(c.TLS()), "flavour": c.flavour(),
		},
	}
	if database != "" {
		id.Account = database + " at " + s.settings["host"]
	}
	if err := s.fingerprint(ctx, c, &id); err != nil {
		return id, err
	}
	grants, err := c.All(ctx, "SHOW GRANTS")
	if err != nil && !isServerError(err) {
		return id, err
	}
	id.Facts["grants_hash"] = grantsHash(grants)
	if expiry, ok := sqlkit.ClientExpiry(s.tls); ok {
		id.Expiries = append(id.Expiries, expiry)
	}
	days, err := s.passwordExpiry(ctx, c, &id)
	if err != nil {
		return id, err
	}
	id.Warnings = s.warnings(c, &id, grants, days)
	return id, nil
}

func (c *session) flavour() string {
	if c.MariaDB() {
		return "MariaDB"
	}
	return "MySQL"
}

// fingerprint names the server by the number that MySQL makes for each data
// directory, or a Galera cluster by its own. MariaDB has no number that stays:
// @@server_uid is made of the network card and the port, so that it changes
// with the machine; there the address stands in, and the facts say so.
func (s *source) fingerprint(ctx context.Context, c *session, id *connector.Identity) error {
	uuid, err := c.value(ctx, "SELECT @@server_uuid")
	if err != nil {
		return err
	}
	by := "server_uuid and database"
	if uuid == "" {
		if uuid, err = c.value(ctx, "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_state_uuid'"); err != nil {
			return err
		}
		by = "cluster and database"
	}
	if uuid == "" {
		by = "address and database: this server has no number of its own that stays"
		sum := sha256.Sum256([]byte(s.route.Address() + "\x00" + s.settings["ssh_host"]))
		uuid = "address-" + hex.EncodeToString(sum[:12])
	}
	id.Facts["identified_by"], id.Facts["server_uuid"] = by, uuid
	id.Fingerprint = "mysql:" + uuid + ":" + s.settings["database"]
	return nil
}

// value gives the last column of the first row; empty where the server refuses
// to tell or does not know.
func (c *session) value(ctx context.Context, sql string) (string, error) {
	rows, err := c.All(ctx, sql)
	if err != nil && !isServerError(err) {
		return "", err
	}
	if len(rows) == 0 || len(rows[0]) == 0 {
		return "", nil
	}
	return string(rows[0][len(rows[0])-1]), nil
}

// grantsHash tells whether the grants are the same as before, without the hash
// of the password that MariaDB lists among them.
func grantsHash(grants [][][]byte) string {
	secret := regexp.MustCompile(`(?i) IDENTIFIED (BY PASSWORD|VIA|WITH|BY|AS) .*$`)
	lines := make([]string, 0, len(grants))
	for _, g := range grants {
		lines = append(lines, secret.ReplaceAllString(string(g[0]), ""))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}

// passwordExpiry reads the validity of the password. Everybody may see the rule
// for oneself; when the password was last changed stands in a table of the
// server that few may read. Without it only the rule is known.
func (s *source) passwordExpiry(ctx context.Context, c *session, id *connector.Identity) (days int64, err error) {
	rule, err := c.value(ctx, "SHOW CREATE USER CURRENT_USER()")
	if err != nil {
		return 0, err
	}
	standard, err := c.value(ctx, "SELECT @@default_password_lifetime")
	if err != nil {
		return 0, err
	}
	days = lifetimeOf(rule, number64([]byte(standard)))
	if days == 0 {
		return 0, nil
	}
	id.Facts["password_lifetime_days"] = strconv.FormatInt(days, 10)
	changed, err := c.value(ctx, c.changedSQL())
	if err != nil || changed == "" {
		return days, err
	}
	at := time.Unix(number64([]byte(changed)), 0).UTC().AddDate(0, 0, int(days))
	id.Expiries = append(id.Expiries, connector.Expiry{What: "the password of user " + id.User, At: at, Source: connector.PasswordValidity})
	return days, nil
}

// changedSQL asks when the password was set, in seconds since 1970.
func (c *session) changedSQL() string {
	if c.MariaDB() {
		return "SELECT JSON_VALUE(Priv, '$.password_last_changed') FROM mysql.global_priv WHERE CONCAT(User, '@', Host) = CURRENT_USER()"
	}
	return "SELECT UNIX_TIMESTAMP(password_last_changed) FROM mysql.user WHERE CONCAT(User, '@', Host) = CURRENT_USER()"
}

// lifetimeOf reads a rule as SHOW CREATE USER writes it: PASSWORD EXPIRE,
// PASSWORD EXPIRE DEFAULT, NEVER, or INTERVAL 90 DAY. 0: for ever.
func lifetimeOf(rule string, standard int64) int64 {
	m := regexp.MustCompile(`(?i)PASSWORD EXPIRE (NEVER|DEFAULT|INTERVAL (\d{1,5}) DAY)`).FindStringSubmatch(rule)
	switch {
	case m == nil || strings.EqualFold(m[1], "DEFAULT"):
		return max(standard, 0)
	case m[2] != "":
		return number64([]byte(m[2]))
	default:
		return 0
	}
}

func (s *source) warnings(c *session, id *connector.Identity, grants [][][]byte, days int64) []string {
	var w []string
	if text := sqlkit.TLSWarning(s.tlsMode, s.route.Tunnelled()); text != "" && !c.TLS() {
		w = append(w, "TLS is off: the password is protected, but rows travel readable for everyone on the way.")
	} else if text != "" {
		w = append(w, text)
	}
	for _, g := range grants {
		if strings.HasPrefix(strings.ToUpper(string(g[0])), "GRANT ALL PRIVILEGES ON *.*") {
			w = append(w, "The user may do everything on this server. One that may only read is enough and safer; the steps beside the form make one.")
		}
	}
	if days > 0 && len(id.Expiries) == 0 {
		w = append(w, fmt.Sprintf("The password of this user expires %d days after it was set, and the server does not tell when that was. Ask for: ALTER USER … PASSWORD EXPIRE NEVER.", days))
	}
	return w
}
