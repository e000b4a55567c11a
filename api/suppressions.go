package api

import (
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phone"
	"github.com/rapport-crm/rapport/store"
)

// SuppressedAddress is an address that must not be written to. The list keeps a hash of it, so that it outlives the candidate; the address
// itself is never shown, only enough of it to know it by while a candidate has it.
type SuppressedAddress struct {
	Hash      string                `json:"hash" doc:"HMAC-SHA256 of the address under the installation's key, in hex."`
	Masked    string                `json:"masked,omitempty" doc:"What the address looks like, while a candidate has it." example:"s…@example.org"`
	Candidate string                `json:"candidate_id,omitempty" doc:"Who has the address now."`
	Channel   crm.Channel           `json:"channel" enum:"email,sms"`
	Reason    crm.SuppressionReason `json:"reason" enum:"bounce,complaint,stop,unsubscribe,manual,erased"`
	Source    string                `json:"source,omitempty" doc:"Who said so."`
	At        time.Time             `json:"at"`
}

// SuppressionInput is an address that must not be written to any more.
type SuppressionInput struct {
	Channel crm.Channel           `json:"channel" enum:"email,sms"`
	Address string                `json:"address" minLength:"1" maxLength:"320" doc:"An email address, or a number with its country code."`
	Reason  crm.SuppressionReason `json:"reason,omitempty" enum:"bounce,complaint,stop,unsubscribe,manual" default:"manual"`
	Source  string                `json:"source,omitempty" maxLength:"200" doc:"Where it is known from; the name of the API key if it is left out."`
	At      time.Time             `json:"at,omitzero" doc:"Since when; now if it is left out."`
}

// SuppressionBatch is several of them.
type SuppressionBatch struct {
	Items []SuppressionInput `json:"items" minItems:"1" maxItems:"1000" nullable:"false"`
}

// SuppressedCount says how many are on the list now of those that were given.
type SuppressedCount struct {
	Suppressed int `json:"suppressed"`
}

// SuppressionQuery says which suppressions are meant.
type SuppressionQuery struct {
	Channel crm.Channel           `query:"channel" enum:"email,sms"`
	Address string                `query:"address" maxLength:"320"`
	Reason  crm.SuppressionReason `query:"reason" enum:"bounce,complaint,stop,unsubscribe,manual,erased"`
}

func (s *server) registerSuppressions() {
	audited(s, operation(http.MethodGet, "/v1/suppressions", "list-suppressions", "Candidates", ScopeCandidatesRead, "List suppressed addresses",
		"The newest first. With channel and address: whether, and why, that address is suppressed, also when no candidate has it any more."), crm.AuditList, "suppressions", s.listSuppressions, pageAbout(func(x *SuppressedAddress) string { return x.Candidate }))
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/suppressions", "add-suppressions", "Candidates", ScopeCandidatesWrite, "Suppress addresses",
		"All or none; in effect at once, for candidates who have the address and for any who will. Consents of the channel are revoked, but for a bounce. What is suppressed for that reason already stays as it is. SendGrid is told."), crm.AuditCreate, "suppression"), s.addSuppressions)
	huma.Register(s.huma, changes(operation(http.MethodDelete, "/v1/suppressions", "remove-suppression", "Candidates", ScopeCandidatesWrite, "Lift a suppression",
		"Takes the address off the list for that reason, and gives back the consents that the suppression took. The provider may still have it on its own list."), crm.AuditRemove, "suppression"), s.removeSuppression)
	huma.Register(s.huma, unaudited(operation(http.MethodPost, "/v1/suppressions/sync", "sync-suppressions", "Candidates", ScopeCandidatesWrite, "Read the provider's lists now",
		"A worker reads them within a few seconds, instead of at the next quarter of an hour."), "it is done anyway, only sooner"), s.syncSuppressions)
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/suppressions/sync", "get-sync", "Candidates", ScopeCandidatesRead, "See how far the provider's lists were read", ""), "numbers and times"), s.listSync)
}

func (s *server) listSuppressions(ctx context.Context, in *struct {
	Paging
	SuppressionQuery
},
) (*body[Page[SuppressedAddress]], error) {
	filter := store.SuppressionFilter{Channel: in.Channel, Reason: in.Reason, Limit: in.Limit, After: in.After}
	if in.Address != "" {
		address, wrong := readAddress(in.Channel, in.Address)
		if wrong != "" {
			return nil, invalid("The address cannot be read: "+wrong+".", "Give channel=email or channel=sms with it.", Located{Location: "query.address", Message: wrong})
		}
		filter.Address = address
	}
	rows, next, err := s.Store.ListSuppressions(ctx, filter)
	items := make([]SuppressedAddress, len(rows))
	for i, x := range rows {
		items[i] = SuppressedAddress{Hash: x.Hash, Candidate: x.CandidateID, Channel: x.Channel, Reason: x.Reason, Source: x.Source, At: x.At}
		switch {
		case x.Address != "" && x.Channel == crm.Email:
			items[i].Masked = maskAddress(x.Address)
		case len(x.Address) > 4:
			items[i].Masked = x.Address[:3] + "…" + x.Address[len(x.Address)-2:]
		}
	}
	return pageOf(items, next, err)
}

func (s *server) addSuppressions(ctx context.Context, in *body[SuppressionBatch]) (*body[SuppressedCount], error) {
	optOuts := make([]store.OptOut, len(in.Body.Items))
	var found []Located
	for i, item := range in.Body.Items {
		address, wrong := readAddress(item.Channel, item.Address)
		if wrong == "" && item.At.After(s.Now().Add(maxSkew)) {
			wrong = "its time is in the future"
		}
		if wrong != "" {
			found = append(found, Located{Location: fmt.Sprintf("body.items[%d]", i), Message: wrong})
			continue
		}
		o := store.OptOut{Channel: item.Channel, Address: address, Reason: item.Reason, Source: item.Source, At: item.At}
		if o.Reason == "" {
			o.Reason = crm.SuppressedManual
		}
		if o.Source == "" {
			o.Source = caller(ctx)
		}
		if o.At.IsZero() {
			o.At = s.Now()
		}
		optOuts[i] = o
	}
	if len(found) > 0 {
		return nil, invalid(fmt.Sprintf("%d of the addresses cannot be read; none was suppressed.", len(found)), "Correct every item in errors and send it again.", found...)
	}
	if err := s.Store.Suppress(ctx, optOuts); err != nil {
		return nil, problemOf(err)
	}
	return &body[SuppressedCount]{Body: SuppressedCount{Suppressed: len(optOuts)}}, nil
}

func (s *server) removeSuppression(ctx context.Context, in *SuppressionQuery) (*struct{}, error) {
	address, wrong := readAddress(in.Channel, in.Address)
	if wrong != "" {
		return nil, invalid("The address cannot be read: "+wrong+".", "Give channel, address and reason.", Located{Location: "query.address", Message: wrong})
	}
	reason := in.Reason
	if reason == "" {
		reason = crm.SuppressedManual
	}
	if err := s.Store.Unsuppress(ctx, in.Channel, address, reason, caller(ctx), s.Now()); err != nil {
		return nil, problemOf(err)
	}
	return nil, nil //nolint:nilnil // no content
}

func (s *server) syncSuppressions(ctx context.Context, _ *struct{}) (*struct{}, error) {
	if err := s.Store.AskForLists(ctx); err != nil {
		return nil, problemOf(err)
	}
	return nil, nil //nolint:nilnil // no content
}

// SyncedList says how far a provider's own list was read.
type SyncedList struct {
	Provider string    `json:"provider" example:"sendgrid"`
	List     string    `json:"list" example:"bounces"`
	ReadTo   time.Time `json:"read_to,omitzero" doc:"Entries up to then are known. Absent: it is read for the first time."`
	SyncedAt time.Time `json:"synced_at,omitzero" doc:"Absent: it is about to be read."`
	Found    int64     `json:"found" doc:"How many entries it had so far; one that is read again counts again."`
}

func (s *server) listSync(ctx context.Context, _ *struct{}) (*body[Page[SyncedList]], error) {
	rows, err := s.Store.ListPositions(ctx)
	items := make([]SyncedList, len(rows))
	for i, p := range rows {
		items[i] = SyncedList{Provider: p.Provider, List: p.List, ReadTo: p.ReadTo, SyncedAt: p.SyncedAt, Found: p.Found}
	}
	return pageOf(items, "", err)
}

// readAddress brings an address to the form in which candidates have it, or says what is wrong with it.
func readAddress(channel crm.Channel, text string) (address, wrong string) {
	switch channel {
	case crm.Email:
		a, err := mail.ParseAddress(text)
		if err != nil || a.Name != "" {
			return "", "it is not an email address"
		}
		return crm.NormalAddress(crm.Email, a.Address), ""
	case crm.SMS:
		number, err := phone.Parse(text, "")
		if err != nil {
			return "", "it is not a telephone number with its country code"
		}
		return number.String(), ""
	}
	return "", "its channel is missing"
}
