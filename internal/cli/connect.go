package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/settings"
)

// The files of a data directory by which its running server is found.
const (
	serverFile = "server.json" // {"url": …, "pid": …}
	tokenFile  = "local.token" //nolint:gosec // a name, not a token
)

const helloTime = 2 * time.Second

// client returns a client of the server asked for. create says that the
// command may make a new data directory.
func (a *app) client(ctx context.Context, create bool) (*client.Client, error) {
	server := a.globals.Server
	if server != "" && a.globals.Data != "" {
		return nil, usage(errors.New("--server and --data exclude each other: name one"))
	}
	if server == "" && a.globals.Data == "" {
		server = a.env.Getenv("REGRANT_SERVER")
	}
	if server != "" {
		return a.remote(server)
	}
	return a.local(ctx, settings.DataDir(a.globals.Data, a.env.Getenv), create)
}

func (a *app) remote(server string) (*client.Client, error) {
	token, err := settings.ReadSecret(a.env.Getenv, "REGRANT_TOKEN")
	if err != nil {
		return nil, usage(err)
	}
	if token.Empty() {
		return nil, usage(errors.New("set REGRANT_TOKEN or REGRANT_TOKEN_FILE to an API token of the server"))
	}
	c, err := client.New(client.Config{BaseURL: server, Token: token.Reveal()})
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// local talks to the server that runs on the directory, or to the product
// opened in this process.
func (a *app) local(ctx context.Context, dir string, create bool) (*client.Client, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, usage(fmt.Errorf("there is no data directory %s: begin with regrant serve or regrant add, or name another one with --data, or a server with --server", dir))
	}
	if c := running(ctx, dir); c != nil {
		return c, nil
	}
	if a.env.Local == nil {
		return nil, fmt.Errorf("no server runs on %s", dir)
	}
	handler, token, closer, err := a.env.Local(ctx, dir)
	if err != nil {
		return nil, err
	}
	transport := &handlerTransport{handler: handler}
	a.closers = append(a.closers, closer, transport.wait)
	return client.New(client.Config{BaseURL: "http://regrant.local", Token: token, HTTPClient: &http.Client{Transport: transport}})
}

// running finds the server of a directory; nil when none answers. Files left
// behind by a killed server are normal.
func running(ctx context.Context, dir string) *client.Client {
	var at struct {
		URL string `json:"url"`
	}
	text, err := readSmall(filepath.Join(dir, serverFile))
	if err != nil || json.Unmarshal(text, &at) != nil || at.URL == "" {
		return nil
	}
	token, err := settings.SecretFile(filepath.Join(dir, tokenFile))
	if err != nil {
		return nil
	}
	c, err := client.New(client.Config{BaseURL: at.URL, Token: token.Reveal()})
	if err != nil || !answers(ctx, at.URL) {
		return nil
	}
	return c
}

func answers(ctx context.Context, url string) bool {
	limited, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode == http.StatusOK
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // below the directory the person names
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}
