package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// value is what was said, and where.
type value struct {
	items []string // one, except of lists
	where string
}

// key is one setting.
type key struct {
	name string // in the file: "log.level"
	list bool
	set  func(s *Settings, items []string) error
}

func (k key) env() string {
	return "REGRANT_" + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

func (k key) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(k.name) }

func (k key) split(text string) []string {
	if !k.list {
		return []string{text}
	}
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func one(set func(*Settings, string) error) func(*Settings, []string) error {
	return func(s *Settings, items []string) error { return set(s, items[0]) }
}

func each(set func(*Settings, string) error) func(*Settings, []string) error {
	return func(s *Settings, items []string) error {
		for _, item := range items {
			if err := set(s, item); err != nil {
				return err
			}
		}
		return nil
	}
}

// keys is every setting there is.
func keys() []key {
	return []key{
		{name: "listen", set: one(setListen)},
		{name: "data", set: one(setData)},
		{name: "public_url", set: one(setPublicURL)},
		{name: "every", set: one(setEvery)},
		{name: "time_zone", set: one(setZone)},
		{name: "network.allow", list: true, set: each(setAllow)},
		{name: "endpoints", list: true, set: each(setEndpoint)},
		{name: "diagnose.controls", list: true, set: each(setControl)},
		{name: "warehouse.memory", set: one(setMemory)},
		{name: "log.level", set: one(setLevel)},
		{name: "log.format", set: one(setFormat)},
	}
}

func fill(s *Settings, raw map[string]value) error {
	var problems []error
	for _, k := range keys() {
		v, said := raw[k.name]
		if !said || (len(v.items) == 0 && k.list) {
			continue
		}
		if err := k.set(s, v.items); err != nil {
			problems = append(problems, fmt.Errorf("%s (from %s): %w", k.name, v.where, err))
		}
	}
	return errors.Join(problems...)
}

func setListen(s *Settings, text string) error {
	if err := checkHostPort(text, true); err != nil {
		return err
	}
	s.Listen = text
	return nil
}

func checkHostPort(text string, anyHost bool) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is no address: write host:port, such as 127.0.0.1:8080", text)
	}
	if host == "" && !anyHost {
		return fmt.Errorf("%q names no host: write host:port", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || (n == 0 && !anyHost) {
		return fmt.Errorf("%q is no port: use a number from 1 to 65535", port)
	}
	return nil
}

func setData(s *Settings, text string) error {
	if strings.ContainsRune(text, 0) || strings.TrimSpace(text) == "" {
		return errors.New("name a directory")
	}
	s.Data = filepath.Clean(text)
	return nil
}

func setPublicURL(s *Settings, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return fmt.Errorf("%q is no address: write it like https://regrant.example.com", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("leave out the user name, ? and #")
	}
	s.PublicURL = strings.TrimSuffix(text, "/")
	return nil
}

func setEvery(s *Settings, text string) error {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no duration: write it like 15m or 1h", text)
	case d < time.Minute || d > 366*24*time.Hour:
		return fmt.Errorf("%s is out of range: choose from one minute to one year", text)
	}
	s.Every = d
	return nil
}

func setZone(s *Settings, text string) error {
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return fmt.Errorf("%q is no time zone: use a name such as Europe/Berlin or UTC", text)
	}
	s.Zone = zone
	return nil
}

func setAllow(s *Settings, text string) error {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return fmt.Errorf("%q is no network: write it like 10.0.0.0/8 or 192.168.1.5", text)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	s.Allow = append(s.Allow, prefix.Masked())
	return nil
}

func setEndpoint(s *Settings, text string) error {
	id, address, ok := strings.Cut(text, "=")
	id, address = strings.TrimSpace(id), strings.TrimSpace(address)
	u, err := url.Parse(address)
	if !ok || id == "" || err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%q is no endpoint: write it like stripe = \"http://127.0.0.1:12111\"", id)
	}
	if s.Endpoints == nil {
		s.Endpoints = make(map[string]string)
	}
	s.Endpoints[id] = strings.TrimSuffix(address, "/")
	return nil
}

func setControl(s *Settings, text string) error {
	if err := checkHostPort(text, false); err != nil {
		return err
	}
	s.Controls = append(s.Controls, text)
	return nil
}

func setMemory(s *Settings, text string) error {
	number, factor := strings.TrimSpace(text), int64(0)
	for _, unit := range []struct {
		name   string
		factor int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"GB", 1e9}, {"MB", 1e6}} {
		if rest, ok := strings.CutSuffix(number, unit.name); ok {
			number, factor = strings.TrimSpace(rest), unit.factor
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || factor == 0 || n <= 0 || n > (1<<50)/factor {
		return fmt.Errorf("%q is no amount of memory: write it like 256MB or 1GB", text)
	}
	if n*factor < 64e6 {
		return fmt.Errorf("%s is too little: the warehouse needs at least 64MB", text)
	}
	s.Memory = n * factor
	return nil
}

func setLevel(s *Settings, text string) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[strings.ToLower(text)]
	if !ok {
		return fmt.Errorf("%q is no level: choose debug, info, warn or error", text)
	}
	s.LogLevel = level
	return nil
}

func setFormat(s *Settings, text string) error {
	if text != "text" && text != "json" {
		return fmt.Errorf("%q is no format: choose text or json", text)
	}
	s.LogFormat = text
	return nil
}
