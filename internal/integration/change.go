package integration

import (
	"context"
	"errors"
	"fmt"
)

// apply stores a change and tells about it.
func (s *Service) apply(ctx context.Context, c *Change) error {
	if err := s.store.Apply(ctx, c); err != nil {
		return err
	}
	id := c.Remove
	switch {
	case c.Integration != nil:
		id = c.Integration.ID
	case c.Pull != nil:
		id = c.Pull.Integration
	case len(c.Events) > 0:
		id = c.Events[0].Integration
	}
	s.notices.Changed(id, c.Events)
	return nil
}

// change decides on the newest record and stores the decision; when somebody
// else was faster it decides again. A nil change means that nothing is to do.
func (s *Service) change(ctx context.Context, idOrSlug string, decide func(Record) (*Change, error)) error {
	const tries = 8
	for range tries {
		r, err := s.store.Record(ctx, idOrSlug)
		if err != nil {
			return err
		}
		c, err := decide(r)
		if err != nil || c == nil {
			return err
		}
		if err = s.apply(ctx, c); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("%s: %w", idOrSlug, ErrConflict)
}

// changed is change followed by the view of the result.
func (s *Service) changed(ctx context.Context, who Person, needed Role, idOrSlug string, decide func(Record) (*Change, error)) (View, error) {
	if !who.Role.May(needed) {
		return View{}, ErrForbidden
	}
	var id string
	err := s.change(ctx, idOrSlug, func(r Record) (*Change, error) {
		id = r.Integration.ID
		return decide(r)
	})
	if err != nil {
		return View{}, err
	}
	return s.Show(ctx, id)
}
