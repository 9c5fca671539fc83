package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// prepare makes the server's directory: a copy of the template and TLS files.
func (s *Server) prepare(ctx context.Context) error {
	from, err := template(ctx, s.bin, s.user)
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "regrant-pg-"); err != nil {
		return fmt.Errorf("make the server's directory: %w", err)
	}
	if err := copyTree(ctx, from, s.data()); err != nil {
		return err
	}
	if s.cfg.TLS {
		if err := s.makeTLS(); err != nil {
			return err
		}
	}
	if s.cfg.HBA == nil {
		s.cfg.HBA = DefaultHBA()
	}
	return errors.Join(s.writeHBA(s.cfg.HBA), s.user.Own(s.dir))
}

func (s *Server) settings() map[string]string {
	conf := map[string]string{
		"port": fmt.Sprint(s.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": s.dir,
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
		"shared_buffers": "32MB", "max_connections": "50", "password_encryption": "scram-sha-256",
		"timezone": "UTC", "log_timezone": "UTC", "autovacuum_naptime": "1min",
	}
	if s.tls != nil {
		conf["ssl"] = "on"
		conf["ssl_cert_file"] = s.tls.certFile
		conf["ssl_key_file"] = s.tls.keyFile
		conf["ssl_ca_file"] = s.tls.caFile
	}
	maps.Copy(conf, s.cfg.Settings)
	return conf
}

// writeConf writes an auto file, which wins over the template's own.
func (s *Server) writeConf() error {
	var b strings.Builder
	conf := s.settings()
	for _, name := range slices.Sorted(maps.Keys(conf)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(conf[name], "'", "''"))
	}
	return s.writeOwned(filepath.Join(s.data(), "postgresql.auto.conf"), b.String())
}

// writeHBA keeps a line of ours first, so that no set of lines locks the
// test's own superuser out.
func (s *Server) writeHBA(lines []string) error {
	text := "local all " + Superuser + " scram-sha-256\n" + strings.Join(lines, "\n") + "\n"
	return s.writeOwned(filepath.Join(s.data(), "pg_hba.conf"), text)
}

func (s *Server) writeOwned(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the server's settings: %w", err)
	}
	return s.user.Own(path)
}

// SetHBA replaces the lines of pg_hba.conf and returns when new connections
// are judged by them.
func (s *Server) SetHBA(ctx context.Context, lines ...string) error {
	if err := s.writeHBA(lines); err != nil {
		return err
	}
	return s.Reload(ctx)
}

// Set changes a setting that needs no restart, for new and running sessions.
func (s *Server) Set(ctx context.Context, name, value string) error {
	if err := s.ExecIn(ctx, "postgres", fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, strings.ReplaceAll(value, "'", "''"))); err != nil {
		return err
	}
	return s.Reload(ctx)
}

// Reload makes the server read its files again and waits until it did: a new
// session inherits the time of the last reload from the postmaster.
func (s *Server) Reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	before, err := s.queryText(ctx, "SELECT pg_conf_load_time()::text")
	if err != nil {
		return err
	}
	if err := s.proc.Signal(signalReload); err != nil {
		return fmt.Errorf("reload PostgreSQL: %w", err)
	}
	for {
		after, err := s.queryText(ctx, "SELECT pg_conf_load_time()::text")
		if err == nil && after != before {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("reload PostgreSQL: %w", errors.Join(context.Cause(ctx), err))
		case <-time.After(5 * time.Millisecond):
		}
	}
}
