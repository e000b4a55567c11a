package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// LedgerMessage is a message of the ledger, without the address and the subject, with what is known about its fate.
type LedgerMessage struct {
	crm.Message

	Evidence []crm.Evidence `json:"evidence,omitempty" doc:"Of a message whose fate is or was unknown: what was looked up or said, in order."`
}

// MessageSettlement is what a person says became of a message.
type MessageSettlement struct {
	Sent bool   `json:"sent" doc:"Whether the provider took it."`
	Note string `json:"note,omitempty" maxLength:"2000" doc:"How that is known."`
}

func (s *server) registerMessages() {
	audited(s, operation(http.MethodGet, "/v1/messages", "list-messages", "Tasks", ScopeEnrollmentsRead, "List messages",
		"The newest first. With state=unknown those whose fate nobody knows, each with its evidence: when it was claimed, why it is unknown, and what was looked up."), crm.AuditList, "messages", s.listMessages, pageAbout(func(x *LedgerMessage) string { return x.CandidateID }))
	settle := operation(http.MethodPost, "/v1/messages/{id}/settle", "settle-message", "Tasks", ScopeEnrollmentsWrite, "Settle a message",
		"Says what became of a message whose fate is unknown. Who said it, and the note, are kept as evidence and are on the timeline. The message is not sent again.")
	huma.Register(s.huma, changes(settle, crm.AuditChange, "message"), s.settleMessage)
}

func (s *server) listMessages(ctx context.Context, in *struct {
	Paging
	Candidate string `query:"candidate" maxLength:"1000" doc:"Id or external id."`
	State     string `query:"state" enum:"planned,claimed,accepted,refused,unknown,settled,cancelled,expired,skipped"`
},
) (*body[Page[LedgerMessage]], error) {
	filter := store.MessageFilter{State: crm.MessageState(in.State), Limit: in.Limit, After: in.After}
	if in.Candidate != "" {
		c, _, err := s.Store.Candidate(ctx, in.Candidate)
		if err != nil {
			return nil, problemOf(err)
		}
		filter.Candidate = c.ID
	}
	messages, next, err := s.Store.ListMessages(ctx, filter)
	if err != nil {
		return nil, problemOf(err)
	}
	ids := make([]string, len(messages))
	for i := range messages {
		ids[i] = messages[i].ID
	}
	evidence, err := s.Store.Evidence(ctx, ids)
	items := make([]LedgerMessage, len(messages))
	for i := range messages {
		items[i] = LedgerMessage{Message: messages[i], Evidence: evidence[ids[i]]}
		items[i].Address, items[i].Subject = "", "" // who it went to is on the candidate's page
	}
	return pageOf(items, next, err)
}

func (s *server) settleMessage(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body MessageSettlement
},
) (*struct{}, error) {
	e := crm.Evidence{At: s.Now(), By: caller(ctx), Note: in.Body.Note}
	if err := s.Store.SettleMessage(ctx, in.ID, in.Body.Sent, e); err != nil {
		return nil, problemOf(err)
	}
	return nil, nil //nolint:nilnil // no content
}
