package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/testservers/proc"
)

// product is Regrant itself, as a process of its own.
type product struct {
	bin    string // path of the regrant binary
	data   string // its data directory
	config string
	url    string
	api    *client.Client
	run    *proc.Process
	log    *os.File
}

// newProduct prepares a data directory whose settings allow this machine's
// own addresses: the shop and the bastion live there.
func newProduct(bin, dir string, settings string) (*product, error) {
	p := &product{bin: bin, data: filepath.Join(dir, "data"), config: filepath.Join(dir, "regrant.toml")}
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return nil, err
	}
	text := "[network]\nallow = [\"127.0.0.0/8\"]\n" + settings
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	var err error
	p.log, err = os.OpenFile(filepath.Join(dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return p, err
}

// start starts the server and waits until it is ready.
func (p *product) start(ctx context.Context, listen string) error {
	_ = os.Remove(filepath.Join(p.data, "server.json"))
	cmd := exec.Command(p.bin, "serve", "--data", p.data, "--config", p.config, "--listen", listen) //nolint:noctx // ended by id
	cmd.Stdout, cmd.Stderr = p.log, p.log
	run, err := proc.Start(cmd, syscall.SIGTERM)
	if err != nil {
		return fmt.Errorf("starting regrant: %w", err)
	}
	p.run = run
	if err := p.waitReady(ctx); err != nil {
		log, _ := os.ReadFile(p.log.Name())
		return fmt.Errorf("%w\n%s", err, proc.Tail(string(log)))
	}
	return nil
}

func (p *product) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("regrant was not ready within 30 s"))
	defer cancel()
	for {
		if p.ready(ctx) {
			return p.connect()
		}
		select {
		case <-p.run.Done():
			return errors.New("regrant ended while it started")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *product) ready(ctx context.Context) bool {
	raw, err := os.ReadFile(filepath.Join(p.data, "server.json"))
	if err != nil {
		return false
	}
	var server struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(raw, &server) != nil || server.URL == "" {
		return false
	}
	p.url = server.URL
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func (p *product) connect() error {
	token, err := os.ReadFile(filepath.Join(p.data, "local.token"))
	if err != nil {
		return err
	}
	p.api, err = client.New(client.Config{BaseURL: p.url, Token: strings.TrimSpace(string(token))})
	return err
}

// stop ends it as an operator does; kill as a power cut does.
func (p *product) stop() { p.end(syscall.SIGTERM) }
func (p *product) kill() { p.end(syscall.SIGKILL) }

func (p *product) end(sig syscall.Signal) {
	if p.run == nil {
		return
	}
	_ = p.run.Signal(sig)
	select {
	case <-p.run.Done():
	case <-time.After(20 * time.Second):
		p.run.Kill()
		<-p.run.Done()
	}
	p.run = nil
}

// answer is what a command printed and its exit status.
type answer struct {
	Out    string
	Status int
}

// cli runs a command of the product. secrets are handed over in the
// environment, never as arguments.
func (p *product) cli(ctx context.Context, secrets map[string]string, args ...string) (answer, error) {
	args = append(args, "--data", p.data)
	for name := range secrets {
		args = append(args, "--secret", name+"=env:DEMO_"+strings.ToUpper(name))
	}
	cmd := exec.CommandContext(ctx, p.bin, args...)
	cmd.Env = os.Environ()
	for name, value := range secrets {
		cmd.Env = append(cmd.Env, "DEMO_"+strings.ToUpper(name)+"="+value)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return answer{}, fmt.Errorf("running regrant %s: %w", args[0], err)
	}
	return answer{out.String(), cmd.ProcessState.ExitCode()}, nil
}

// must is cli for commands that have to succeed.
func (p *product) must(ctx context.Context, secrets map[string]string, args ...string) error {
	a, err := p.cli(ctx, secrets, args...)
	if err == nil && a.Status != 0 {
		err = fmt.Errorf("regrant %s: exit status %d: %s", strings.Join(args, " "), a.Status, a.Out)
	}
	return err
}
