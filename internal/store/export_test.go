package store

// PruneAlways makes every change prune, to much smaller limits.
func PruneAlways(s *Store, events, pulls int) {
	s.prune = func() bool { return true }
	s.limits = limits{events: events, pulls: pulls}
}
