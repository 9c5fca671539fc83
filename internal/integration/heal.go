package integration

import "time"

// closeIncidents closes the open incidents that match and says so.
func (s *Service) closeIncidents(c *Change, open []Incident, how Resolution, match func(Incident) bool) {
	for _, i := range open {
		if !match(i) {
			continue
		}
		i.Closed, i.Resolution = s.now(), how
		c.Incidents = append(c.Incidents, i)
		what := "It works again"
		if i.Table != "" {
			what = i.Table + " can be read again"
		}
		event := s.event(i.Integration, EventIncidentClose, string(how), what+", "+lasted(i, s.now())+".")
		event.Facts = map[string]string{"cause": i.Cause.String(), "code": i.Code, "incident": i.ID}
		c.Events = append(c.Events, event)
	}
}

// reachGaps marks gaps as reachable again: from now on they can be filled.
func (s *Service) reachGaps(c *Change, open []Gap, match func(Gap) bool) {
	for _, g := range open {
		if g.To.IsZero() && match(g) {
			g.To = s.now()
			c.Gaps = append(c.Gaps, g)
		}
	}
}

// lasted says how long an incident was open, for people.
func lasted(i Incident, end time.Time) string {
	return "after " + end.Sub(i.Opened).Round(time.Second).String()
}
