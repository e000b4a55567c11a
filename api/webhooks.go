package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/activities/twilio"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// Bounds of webhook bodies, in bytes: what the providers send at most, and room for more.
const (
	maxEventsHook = 5 << 20
	maxInbound    = 30 << 20 // Inbound Parse passes on mails of up to 30 MB
	maxTwilioHook = 64 << 10
)

// Results of a webhook, as metrics show them.
const (
	hookAccepted      = "accepted"
	hookInvalid       = "invalid"
	hookTooLarge      = "too_large"
	hookUnavailable   = "unavailable"
	hookSignature     = "signature"
	hookReplay        = "replay"
	hookNotConfigured = "not_configured"
)

// readHook reads the raw body of a webhook and verifies it before anybody looks inside. When it returns false the request
// is answered.
func (s *server) readHook(c *gin.Context, name string, limit int64, verify func(body []byte) error) ([]byte, bool) {
	body, ok := s.readBody(c, name, limit)
	if !ok {
		return nil, false
	}
	err := verify(body)
	switch {
	case err == nil:
		return body, true
	case errors.Is(err, sendgrid.ErrReplay):
		s.refuseHook(c, name, hookReplay, badSignature("The signature is too old, or the clocks differ."))
	case errors.Is(err, sendgrid.ErrSignature), errors.Is(err, twilio.ErrSignature):
		s.refuseHook(c, name, hookSignature, badSignature("The signature does not fit the request."))
	default:
		s.refuseHook(c, name, hookNotConfigured, &Problem{
			Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Detail: "This webhook is not set up here.",
			Next: "Give Rapport the key that verifies the provider's signatures.", retryAfter: 10 * retryPause, cause: err,
		})
	}
	return nil, false
}

var errNotConfigured = errors.New("no verification key")

func badSignature(detail string) *Problem {
	return &Problem{
		Status: http.StatusForbidden, Code: CodeSignature, Detail: detail,
		Next: "Compare the provider's verification key, and the public address, with what Rapport is set up with.",
	}
}

func (s *server) refuseHook(c *gin.Context, name, result string, p *Problem) {
	s.metrics.webhooks.WithLabelValues(name, result).Inc()
	if result == hookSignature || result == hookReplay || result == hookTooLarge {
		s.Log.WarnContext(c.Request.Context(), "webhook refused", "provider", name, "reason", result, "request_id", requestID(c.Request.Context()))
	}
	s.refuse(c, p)
}

// received is what a webhook leads to.
type received struct {
	events   []crm.Event
	optOuts  []store.OptOut
	removals []store.Removal
	answered bool // it was the answer to an invitation, which is kept already
}

// keep stores what a webhook said, all in one transaction, and tells whether it is committed. What cannot be stored now is
// answered with 503, so that the provider sends it again: Inbound Parse drops a mail that is answered with 4xx.
func (s *server) keep(c *gin.Context, name string, r received) bool {
	var err error
	switch {
	case len(r.removals) > 0: // a mail: it carries no opt-outs
		_, err = s.Store.ReceiveWithRemovals(c.Request.Context(), r.events, r.removals)
	case len(r.optOuts) > 0:
		_, err = s.Store.ReceiveWithOptOuts(c.Request.Context(), r.events, r.optOuts)
	case len(r.events) > 0:
		_, err = s.Store.Receive(c.Request.Context(), r.events)
	}
	if err != nil {
		s.failHook(c, name, err)
		return false
	}
	s.metrics.webhooks.WithLabelValues(name, hookAccepted).Inc()
	return true
}

// failHook answers a failure of the store.
func (s *server) failHook(c *gin.Context, name string, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		p = unavailable(err)
		s.refuseHook(c, name, hookUnavailable, p)
		return
	}
	s.refuseHook(c, name, hookInvalid, p)
}

// reports turns what a provider reported about our messages into events and opt-outs.
func (s *server) reports(ctx context.Context, channel crm.Channel, name string, list []provider.Report) (received, error) {
	var r received
	ledger := ledger{store: s.Store, found: map[string]*crm.Message{}}
	together := visitsIn(list)
	var set *dsl.Set
	if slices.ContainsFunc(list, func(report provider.Report) bool { return isVisit(&report) }) {
		var err error
		if set, err = s.inForce.get(ctx); err != nil {
			return received{}, err
		}
	}
	for i := range list {
		report := &list[i]
		message, err := ledger.message(ctx, report.MessageID)
		if err == nil && message != nil {
			err = s.judge(ctx, set, report, together)
		}
		if err != nil {
			return received{}, err
		}
		known := len(r.events)
		switch {
		case message == nil:
		case report.Event.Type != "" && message.Recipient != "": // to an interviewer: no fact about the candidate
			if err := s.Store.NoteReport(ctx, message.ID, &report.Event); err != nil {
				return received{}, err
			}
		case report.Event.Type != "":
			r.events = s.add(r.events, report.Event, message)
		default:
			if err := s.taken(ctx, name, report, message); err != nil {
				return received{}, err
			}
		}
		if optOut, ok := s.optOut(channel, name, report, message); ok {
			if len(r.events) > known { // a repeated report must not repeat it after the candidate came back
				optOut.Event = report.Event.ExternalID
			}
			r.optOuts = append(r.optOuts, optOut)
		}
	}
	return r, nil
}

// optOut is what a report means for consent. It holds for an address also when the message is not ours.
func (s *server) optOut(channel crm.Channel, name string, report *provider.Report, message *crm.Message) (store.OptOut, bool) {
	o := store.OptOut{Channel: channel, Address: report.Address, Reason: report.OptOut, Source: name + " " + string(report.OptOut), At: s.Now()}
	switch {
	case message == nil:
	case message.Recipient == "":
		o.CandidateID = message.CandidateID
	case o.Address == "": // the interviewer's, as it was written to
		o.Address = message.Address
	}
	return o, report.OptOut != "" && (o.Address != "" || o.CandidateID != "")
}

// taken settles a message whose fate was unknown or in doubt, now that the provider says it took it. Reports that are events do so by
// themselves when they are dispatched.
func (s *server) taken(ctx context.Context, name string, report *provider.Report, message *crm.Message) error {
	if !report.Accepted || !message.Doubtful() {
		return nil
	}
	at := report.At
	if at.IsZero() || at.After(s.Now()) {
		at = s.Now()
	}
	err := s.Store.Accept(ctx, message.ID, store.Acceptance{
		Provider: name, ProviderID: report.ProviderID, Address: message.Address, Subject: message.Subject, TemplateHash: message.TemplateHash, At: at,
	})
	if crm.CodeOf(err) == crm.CodeConflict { // somebody else has settled it meanwhile
		return nil
	}
	return err
}

// add adds an event of a message, unless it cannot be stored: one of them must not hold up the others.
func (s *server) add(events []crm.Event, e crm.Event, message *crm.Message) []crm.Event {
	e.CandidateID, e.Subject, e.ReceivedAt = message.CandidateID, message.CandidateID, s.Now()
	e.Data["message"], e.Data["step"], e.Data["sequence"] = message.ID, message.Step, message.Definition
	if checkEnvelope(&e) != nil || storable(e.Data, 0) != nil {
		return events
	}
	return append(events, e)
}

// ledger looks messages up, each once in a request.
type ledger struct {
	store *store.Store
	found map[string]*crm.Message
}

// message returns a message of the ledger, or nil when there is none with that id.
func (l *ledger) message(ctx context.Context, id string) (*crm.Message, error) {
	if !crm.HasPrefix(id, crm.PrefixMessage) {
		return nil, nil //nolint:nilnil // not one of ours
	}
	if m, ok := l.found[id]; ok {
		return m, nil
	}
	m, err := l.store.MessageByID(ctx, id)
	switch {
	case crm.CodeOf(err) == crm.CodeNotFound:
		l.found[id] = nil
	case err != nil:
		return nil, err
	default:
		l.found[id] = &m
	}
	return l.found[id], nil
}
