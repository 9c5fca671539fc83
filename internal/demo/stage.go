package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/testservers/postgres"
	"github.com/regrant/regrant/internal/testservers/ssh"
)

// slug is the integration's name on the command line and in the warehouse.
const slug = "shop"

// firstPassword is what the role has at the beginning.
const firstPassword = "correct-horse-1"

// stage is everything a story needs: the shop, the bastion and the product.
type stage struct {
	dir      string
	pg       *postgres.Server
	bastion  *ssh.Server
	product  *product
	source   *pgx.Conn // as superuser, past the bastion
	controls *controls
	password string
	round    int // of passwords
	trades   int
	out      io.Writer
}

// Config says how to set a stage up.
type Config struct {
	Bin    string // the regrant binary
	Listen string // "127.0.0.1:8080"; empty: a free port
	Out    io.Writer
	Size   Size
	Every  time.Duration // between scheduled updates; long, so that stories decide when
}

// setUp makes the shop, starts everything and connects the product to it
// through the bastion.
func setUp(ctx context.Context, c Config) (s *stage, err error) {
	s = &stage{password: firstPassword, out: c.Out}
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "regrant-demo-"); err != nil {
		return s, err
	}
	s.say("Starting PostgreSQL and filling the shop with %d order items …", c.Size.Items)
	if s.pg, err = postgres.Launch(ctx, postgres.Config{Settings: map[string]string{"shared_buffers": "128MB", "max_wal_size": "2GB"}}); err != nil {
		return s, err
	}
	if err = loadShop(ctx, s.pg, c.Size); err != nil {
		return s, err
	}
	if err = grantRole(ctx, s.pg, s.password); err != nil {
		return s, err
	}
	if err = s.reconnect(ctx); err != nil {
		return s, err
	}
	if s.bastion, err = ssh.Launch(ctx, ssh.Config{}); err != nil {
		return s, err
	}
	if s.controls, err = newControls(); err != nil {
		return s, err
	}
	settings := fmt.Sprintf("[diagnose]\ncontrols = [%s]\n", s.controls.list())
	if s.product, err = newProduct(c.Bin, s.dir, settings); err != nil {
		return s, err
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if err = s.product.start(ctx, c.Listen); err != nil {
		return s, err
	}
	return s, nil
}

// settings are the form's values for the shop behind the bastion.
func (s *stage) settings() []string {
	return []string{
		"--set", "connection=ssh", "--set", "host=127.0.0.1", "--set", "port=" + strconv.Itoa(s.pg.Port()),
		"--set", "database=" + database, "--set", "user=" + role, "--set", "tls_mode=prefer",
		"--set", "ssh_host=127.0.0.1", "--set", "ssh_port=" + strconv.Itoa(s.bastion.Port()), "--set", "ssh_user=" + s.bastion.User(),
	}
}

// connect begins the integration, installs the key that the product made on
// the bastion, and finishes: what a person does with the form.
func (s *stage) connect(ctx context.Context) error {
	begun, err := s.product.api.Begin(ctx, client.NewIntegration{Connector: "postgresql", Name: "Shop"})
	if err != nil {
		return fmt.Errorf("beginning the integration: %w", err)
	}
	if begun.Draft == nil || begun.Draft.Public["ssh_private_key"] == "" {
		return errors.New("no SSH key was generated")
	}
	line := fmt.Sprintf(`restrict,port-forwarding,permitopen="127.0.0.1:%d" %s`, s.pg.Port(), strings.TrimSpace(begun.Draft.Public["ssh_private_key"]))
	if err := s.bastion.SetAuthorizedKeys(line); err != nil {
		return err
	}
	args := append([]string{"reauthorize", slug}, s.settings()...)
	return s.product.must(ctx, map[string]string{"password": s.password}, args...)
}

// reconnect opens the superuser's own connection, with which sums are made.
func (s *stage) reconnect(ctx context.Context) (err error) {
	s.source, err = pgx.Connect(ctx, s.pg.DSN(postgres.Superuser, database))
	return err
}

func (s *stage) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

// tearDown ends what was started and removes the files.
func (s *stage) tearDown() {
	if s.product != nil {
		s.product.stop()
		_ = s.product.log.Close()
	}
	if s.source != nil {
		_ = s.source.Close(context.Background())
	}
	if s.controls != nil {
		s.controls.cut()
	}
	if s.bastion != nil {
		_ = s.bastion.Close()
	}
	if s.pg != nil {
		_ = s.pg.Close()
	}
	if s.dir != "" && os.Getenv("REGRANT_DEMO_KEEP") == "" {
		_ = os.RemoveAll(s.dir)
	}
}
