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

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/testservers/ssh"
)

// slug is the integration's name on the command line and in the warehouse.
const slug = "shop"

// firstPassword is what the role has at the beginning.
const firstPassword = "correct-horse-1"

// stage is everything a story needs: the shop, the bastion and the product.
type stage struct {
	dir      string
	shop     shop
	bastion  *ssh.Server
	product  *product
	controls *controls
	password string
	round    int // of passwords
	trades   []traded
	out      io.Writer
}

// traded is how many rows changed when.
type traded struct {
	at   time.Time
	rows int
}

// trade lets the shop go on and returns how many rows changed.
func (s *stage) trade(ctx context.Context, rows int) (int, error) {
	changed, err := s.shop.trade(ctx, len(s.trades)+1, rows)
	s.trades = append(s.trades, traded{time.Now(), changed})
	return changed, err
}

// mayReadAgain is how many rows of earlier trading a pull may read once more.
func (s *stage) mayReadAgain() (rows int) {
	for _, t := range s.trades[:len(s.trades)-1] {
		if time.Since(t.at) < s.shop.readsAgain() {
			rows += t.rows
		}
	}
	return rows
}

// Config says how to set a stage up.
type Config struct {
	Bin    string // the regrant binary
	Listen string // "127.0.0.1:8080"; empty: a free port
	Out    io.Writer
	Size   Size
	Shop   func(context.Context) (shop, error) // starts its server
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
	if s.shop, err = c.Shop(ctx); err != nil {
		return s, err
	}
	s.say("Filling a shop (%s) with %d order items …", s.shop.hint(), c.Size.Items)
	if err = s.shop.fill(ctx, c.Size); err != nil {
		return s, err
	}
	if err = s.shop.grant(ctx, s.password); err != nil {
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
		"--set", "connection=ssh", "--set", "host=127.0.0.1", "--set", "port=" + strconv.Itoa(s.shop.port()),
		"--set", "database=" + database, "--set", "user=" + role, "--set", "tls_mode=prefer",
		"--set", "ssh_host=127.0.0.1", "--set", "ssh_port=" + strconv.Itoa(s.bastion.Port()), "--set", "ssh_user=" + s.bastion.User(),
	}
}

// connect begins the integration, installs the key that the product made on
// the bastion, and finishes: what a person does with the form.
func (s *stage) connect(ctx context.Context) error {
	begun, err := s.product.api.Begin(ctx, client.NewIntegration{Connector: s.shop.connector(), Name: "Shop"})
	if err != nil {
		return fmt.Errorf("beginning the integration: %w", err)
	}
	if begun.Draft == nil || begun.Draft.Public["ssh_private_key"] == "" {
		return errors.New("no SSH key was generated")
	}
	line := fmt.Sprintf(`restrict,port-forwarding,permitopen="127.0.0.1:%d" %s`, s.shop.port(), strings.TrimSpace(begun.Draft.Public["ssh_private_key"]))
	if err := s.bastion.SetAuthorizedKeys(line); err != nil {
		return err
	}
	args := append([]string{"reauthorize", slug}, s.settings()...)
	return s.product.must(ctx, map[string]string{"password": s.password}, args...)
}

func (s *stage) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

// tearDown ends what was started and removes the files.
func (s *stage) tearDown() {
	if s.product != nil {
		s.product.stop()
		_ = s.product.log.Close()
	}
	if s.controls != nil {
		s.controls.cut()
	}
	if s.bastion != nil {
		_ = s.bastion.Close()
	}
	if s.shop != nil {
		_ = s.shop.close()
	}
	if s.dir != "" && os.Getenv("REGRANT_DEMO_KEEP") == "" {
		_ = os.RemoveAll(s.dir)
	}
}
