package tds

import (
	"strings"
	"sync"
)

// Script is a backend that gives scripted answers to some statements and
// leaves the others to Next.
type Script struct {
	Next Backend

	mu    sync.Mutex
	rules []rule
}

type rule struct {
	part  string
	reply Reply
	asked func()
}

// On answers every statement that holds part with the reply; asked, which may
// be nil, is called first. The newest rule comes first.
func (s *Script) On(part string, reply Reply, asked func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append([]rule{{part, reply, asked}}, s.rules...)
}

// Clear forgets all rules.
func (s *Script) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// SignIn is that of Next; without one everybody gets in.
func (s *Script) SignIn(l Login) []Error {
	if s.Next == nil {
		return nil
	}
	return s.Next.SignIn(l)
}

// Answer is that of the first rule that fits.
func (s *Script) Answer(session *Session, sql string, params []any) Reply {
	if r, ok := s.find(sql); ok {
		if r.asked != nil {
			r.asked()
		}
		return r.reply
	}
	if s.Next == nil {
		return Reply{}
	}
	return s.Next.Answer(session, sql, params)
}

func (s *Script) find(sql string) (rule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		if strings.Contains(sql, r.part) {
			return r, true
		}
	}
	return rule{}, false
}
