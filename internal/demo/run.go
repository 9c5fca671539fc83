package demo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// LargeConfig is the demo's own size with at least a million order items.
func LargeConfig(bin, listen string, out io.Writer) Config {
	return Config{Bin: bin, Listen: listen, Out: out, Size: large, Shop: newPostgresShop}
}

// Run sets the demo up and lets a person break things until ctx ends or the
// input says quit.
func Run(ctx context.Context, c Config, in io.Reader) error {
	s, err := setUp(ctx, c)
	if err != nil {
		return err
	}
	defer s.tearDown()
	s.say("Connecting the shop through the SSH bastion …")
	if err := s.connect(ctx); err != nil {
		return err
	}
	if err := s.showPull(ctx); err != nil {
		return err
	}
	if err := s.mustEqual(ctx); err != nil {
		return err
	}
	s.say("Warehouse and source are equal, row by row.")
	s.explain()
	return s.obey(ctx, in)
}

// showPull follows the first pull with the product's own progress bars.
func (s *stage) showPull(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.product.bin, "update", slug, "--wait", "--data", s.product.data)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the first pull: %w", err)
	}
	_, err := s.pulled(ctx, "")
	return err
}

func (s *stage) explain() {
	setup, _ := os.ReadFile(s.product.log.Name())
	s.say("\nOpen    %s", s.product.url)
	for line := range strings.Lines(string(setup)) {
		if n := strings.Index(line, s.product.url+"/set-up"); n >= 0 {
			s.say("Set up  %s", strings.Fields(line[n:])[0])
			break
		}
	}
	s.say("Query   %s query --data %s 'select count(*) from shop.order_items'", s.product.bin, s.product.data)
	s.say("Source  %s", s.shop.hint())
	s.say("\nBreak it in psql:  ALTER ROLE %s PASSWORD 'other';   REVOKE SELECT ON orders FROM %s;   DROP OWNED BY %s; DROP ROLE %s;", role, role, role, role)
	s.say("Break it here:     password | revoke | expire | stop | hostkey | network      mend it:  grant | start | mend")
	s.say("Then press “Update now” on the page, or: %s update %s --wait --data %s", s.product.bin, slug, s.product.data)
	s.say("Everything ends with: quit")
}

// obey runs the words that a person types.
func (s *stage) obey(ctx context.Context, in io.Reader) error {
	words := map[string]func(context.Context, *stage) error{
		"password": changePassword, "revoke": revokeSelect, "expire": expirePassword, "stop": stopServer, "hostkey": swapHostKey, "network": cutNetwork,
		"start": startServer, "mend": mendNetwork,
		"grant": func(ctx context.Context, s *stage) error { return s.shop.allow(ctx, "orders") },
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			select {
			case lines <- strings.TrimSpace(scanner.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, open := <-lines:
			if line == "quit" {
				return nil
			}
			if !open { // no terminal: run until stopped
				<-ctx.Done()
				return nil
			}
			s.doWord(ctx, words, line)
		}
	}
}

func (s *stage) doWord(ctx context.Context, words map[string]func(context.Context, *stage) error, word string) {
	do, ok := words[word]
	switch {
	case word == "":
	case !ok:
		s.say("Unknown word %q.", word)
	default:
		if err := do(ctx, s); err != nil {
			s.say("That did not work: %v", err)
			return
		}
		s.say("Done: %s.%s", word, s.told(word))
	}
}

// told is what a person needs to know for the repair.
func (s *stage) told(word string) string {
	switch word {
	case "password":
		return fmt.Sprintf(" The password is now %q.", s.password)
	case "hostkey":
		return fmt.Sprintf(" The bastion's host keys are now %v.", s.bastion.Fingerprints())
	default:
		return ""
	}
}
