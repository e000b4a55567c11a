package api

import (
	"context"

	"github.com/rapport-crm/rapport/dsl"
)

// publishRequestMails makes sure that the mails about requests can be sent, before anything happens that they tell of: also for those that
// were opened by an older release, which had fewer.
func (s *server) publishRequestMails(ctx context.Context) error {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return err
	}
	ws := set.Workspace
	if ws == nil {
		ws = &dsl.Workspace{}
	}
	_, err = s.Store.ApplyDefinitions(ctx, dsl.RequestMails(ws), s.Now())
	return err
}
