package mongodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// Check signs in on a fresh client: connections that are already open go on
// working after a password was changed or a user was removed.
func (s *source) Check(ctx context.Context) (connector.Identity, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return connector.Identity{}, err
	}
	defer c.close()
	id, err := s.identify(ctx, c)
	if err != nil {
		return connector.Identity{}, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	id.Trust = s.route.Trust()
	return id, nil
}

// status is what connectionStatus tells, for which no privilege is needed.
type status struct {
	Info struct {
		Users []struct {
			User string `bson:"user"`
			DB   string `bson:"db"`
		} `bson:"authenticatedUsers"`
		Roles []struct {
			Role string `bson:"role"`
			DB   string `bson:"db"`
		} `bson:"authenticatedUserRoles"`
	} `bson:"authInfo"`
}

func (s *source) identify(ctx context.Context, c *session) (connector.Identity, error) {
	var id connector.Identity
	err := guarded(ctx, c, func() error {
		var st status
		if err := c.run(ctx, "admin", bson.D{{Key: "connectionStatus", Value: 1}}).Decode(&st); err != nil && !unsupported(err) {
			return err
		}
		var build struct {
			Version string `bson:"version"`
		}
		if err := c.run(ctx, "admin", bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil && !unsupported(err) && codeOf(err) != 13 {
			return err
		}
		// Proves the right to look into this database, and reads no rows.
		if _, err := s.list(ctx, c); err != nil {
			return err
		}
		id = s.identityOf(c, st, build.Version)
		return nil
	})
	return id, err
}

func (s *source) identityOf(c *session, st status, version string) connector.Identity {
	id := connector.Identity{
		Account: s.database() + " at " + s.env.Settings["host"], User: s.env.Settings["user"],
		Facts: map[string]string{
			"server_version": version, "wire_version": fmt.Sprint(c.hello.MaxWire), "replica_set": c.hello.SetName, "database": s.database(),
			"sharded": fmt.Sprint(c.hello.isRouter()), "tls": fmt.Sprint(c.tls),
			"identified_by": "name of the replica set, address and database: the server does not let a mere reader see a number of its own",
		},
	}
	if len(st.Info.Users) > 0 {
		id.User = st.Info.Users[0].User
	}
	id.Fingerprint = s.fingerprint(c.hello)
	if expiry, ok := sqlkit.ClientExpiry(s.tls); ok {
		id.Expiries = append(id.Expiries, expiry)
	}
	id.Warnings = s.warnings(c, st)
	return id
}

// fingerprint names the database by its set and its address. The number that a
// replica set has (settings.replicaSetId) needs a role of administrators; the
// lists of members and processes change with every maintenance.
func (s *source) fingerprint(h hello) string {
	sum := sha256.Sum256([]byte(h.SetName + "\x00" + s.route.Address() + "\x00" + s.env.Settings["ssh_host"] + "\x00" + s.database()))
	return "mongodb:" + hex.EncodeToString(sum[:16])
}

func (s *source) warnings(c *session, st status) []string {
	var w []string
	mode := s.tlsMode
	if mode == sqlkit.Prefer && c.tls {
		mode = sqlkit.Prefer
	}
	if text := sqlkit.TLSWarning(mode, s.route.Tunnelled()); text != "" {
		w = append(w, text)
	}
	for _, r := range st.Info.Roles {
		switch r.Role {
		case "root", "readWrite", "readWriteAnyDatabase", "dbOwner", "dbAdmin", "dbAdminAnyDatabase", "userAdmin", "userAdminAnyDatabase", "atlasAdmin", "clusterAdmin":
			return append(w, "The user has the role "+r.Role+". A user that may only read is enough and safer; the steps beside the form make one.")
		}
	}
	return w
}

// collection is what the server tells of one.
type collection struct {
	Name    string `bson:"name"`
	Type    string `bson:"type"`
	Options struct {
		Collation *struct {
			Locale string `bson:"locale"`
		} `bson:"collation"`
	} `bson:"options"`
}

// list asks for the collections. A user without the right to list all of them
// may list those that it may read.
func (s *source) list(ctx context.Context, c *session) ([]collection, error) {
	found, err := s.listBy(ctx, c, bson.D{{Key: "listCollections", Value: 1}, {Key: "cursor", Value: bson.D{}}})
	if codeOf(err) == 13 {
		return s.listBy(ctx, c, bson.D{{Key: "listCollections", Value: 1}, {Key: "cursor", Value: bson.D{}}, {Key: "nameOnly", Value: true}, {Key: "authorizedCollections", Value: true}})
	}
	return found, err
}

func (s *source) listBy(ctx context.Context, c *session, command bson.D) ([]collection, error) {
	var found []collection
	err := guarded(ctx, c, func() error {
		cursor, err := c.cursor(ctx, s.database(), command)
		if err != nil {
			return err
		}
		return cursor.All(ctx, &found)
	})
	return found, err
}

func codeOf(err error) int32 {
	if e, ok := commandError(err); ok {
		return e.Code
	}
	return 0
}

// unsupported says that a flavour of server does not know a command.
func unsupported(err error) bool {
	switch codeOf(err) {
	case 59, 115, 238:
		return true
	}
	return false
}

func commandError(err error) (mongo.CommandError, bool) {
	var e mongo.CommandError
	ok := errors.As(err, &e)
	return e, ok
}
