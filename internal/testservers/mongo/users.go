package mongo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ask runs SQL in the store behind the server.
func (s *Server) ask(ctx context.Context, sql string) error {
	conn, err := pgconn.Connect(ctx, fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable connect_timeout=5", s.pgPort))
	if err != nil {
		return fmt.Errorf("reach the store: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	return nil
}

type role struct {
	Role string `json:"role"`
	DB   string `json:"db"`
}

// user calls a function of the store about a user.
func (s *Server) user(ctx context.Context, function string, spec any) error {
	b, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return s.ask(ctx, "SELECT documentdb_api."+function+"('"+strings.ReplaceAll(string(b), "'", "''")+"')")
}

// CreateUser makes a user with roles of the form "role:database".
func (s *Server) CreateUser(ctx context.Context, name, password string, roles ...string) error {
	list := make([]role, len(roles))
	for i, r := range roles {
		list[i].Role, list[i].DB, _ = strings.Cut(r, ":")
	}
	return s.user(ctx, "create_user", struct {
		Name     string `json:"createUser"`
		Password string `json:"pwd"`
		Roles    []role `json:"roles"`
	}{name, password, list})
}

// SetPassword changes a user's password.
func (s *Server) SetPassword(ctx context.Context, name, password string) error {
	return s.user(ctx, "update_user", struct {
		Name     string `json:"updateUser"`
		Password string `json:"pwd"`
	}{name, password})
}

// DropUser removes a user.
func (s *Server) DropUser(ctx context.Context, name string) error {
	return s.user(ctx, "drop_user", struct {
		Name string `json:"dropUser"`
	}{name})
}
