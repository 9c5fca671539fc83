package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets/*
var assetFiles embed.FS

// asset is one file under its name with a fingerprint, so that browsers may
// keep it for ever.
type asset struct {
	name string
	data []byte
}

type assets struct {
	byURL map[string]asset
	urls  map[string]string // plain name → address
}

func loadAssets() (assets, error) {
	a := assets{byURL: make(map[string]asset), urls: make(map[string]string)}
	files, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return a, err
	}
	for _, f := range files {
		data, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			return a, err
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		a.byURL[name] = asset{f.Name(), data}
		a.urls[f.Name()] = "/assets/" + name
	}
	return a, nil
}

func (a assets) url(name string) string { return a.urls[name] }

func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byURL[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, file.name, time.Time{}, bytes.NewReader(file.data))
}
