package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// Results of a visit, as metrics show them.
const (
	visitPerson  = "person"
	visitMachine = "machine"
	visitRepeat  = "repeat"  // it was noticed before
	visitUnasked = "unasked" // nobody has agreed to its being noticed
	visitLost    = "lost"    // it could not be stored
	visitForged  = "forged"
)

// noticeTimeout bounds how long a candidate waits for the database.
const noticeTimeout = 2 * time.Second

// notice stores that somebody visited a message, if they may be noticed.
func (s *server) notice(c *gin.Context, messageID string, v crm.Visit) {
	kind := purposeOpen
	if v.URL != "" {
		kind = purposeClick
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), noticeTimeout)
	defer cancel()
	result, err := s.receiveVisit(ctx, messageID, v)
	if err != nil {
		result = visitLost
		s.Log.WarnContext(ctx, "visit to a message not stored", "message", messageID, "kind", kind, "error", err, "request_id", requestID(ctx))
	}
	s.metrics.visits.WithLabelValues(kind, result).Inc()
}

func (s *server) receiveVisit(ctx context.Context, messageID string, v crm.Visit) (string, error) {
	if s.NoTracking {
		return visitUnasked, nil
	}
	set, err := s.inForce.get(ctx)
	if err != nil {
		return "", err
	}
	result := visitUnasked
	stored, err := s.Store.ReceiveVisit(ctx, messageID, v.At, func(known *store.Visited) (crm.Event, bool) {
		if !noticed(set, known, v) {
			return crm.Event{}, false
		}
		result = visitPerson
		machine := v.Machine(known.Arrivals, known.Clicks)
		if machine {
			result = visitMachine
		}
		return visitEvent(&known.Message, v, machine), true
	})
	var known *crm.Error
	switch {
	case errors.As(err, &known) && known.Code == crm.CodeNotFound: // gone, with the person it went to
		return visitUnasked, nil
	case err == nil && !stored && result != visitUnasked:
		return visitRepeat, nil
	}
	return result, err
}

// visitEvent makes an event of a visit. A person's is one a minute, for a link or for the opens: a double click is one, coming
// back later is another, and whoever has the link cannot fill the database with it. A machine's is one for ever, and
// of its own, so that it takes no person's place.
func visitEvent(m *crm.Message, v crm.Visit, machine bool) crm.Event {
	e := crm.Event{
		Source: crm.SourceTracking, Type: "message.opened", CandidateID: m.CandidateID, Subject: m.CandidateID, Time: v.At, ReceivedAt: v.At,
		Data: map[string]any{"message": m.ID, "step": m.Step, "sequence": m.Definition, "channel": string(m.Channel)},
	}
	e.ExternalID = "open/" + m.ID
	if v.URL != "" {
		e.Type, e.Data["url"] = "message.clicked", v.URL
		sum := sha256.Sum256([]byte(v.URL))
		e.ExternalID = "click/" + m.ID + "/" + hex.EncodeToString(sum[:8])
	}
	if machine {
		e.Data["text_kind"] = crm.TextKindMachine
		e.ExternalID += "/machine"
		return e
	}
	e.ExternalID += "/" + strconv.FormatInt(v.At.Unix()/60, 10)
	return e
}

// noticed tells whether a visit to a message may be noticed: the workspace tracks that of the message's purpose, and where the
// purpose rests on consent, the candidate has not taken it back since.
func noticed(set *dsl.Set, known *store.Visited, v crm.Visit) bool {
	if set == nil || set.Workspace == nil {
		return true
	}
	m := &known.Message
	tracks := set.Workspace.Tracks(m.Purpose)
	if v.URL == "" && !tracks.Opens || v.URL != "" && !tracks.Follows(m.Channel) {
		return false
	}
	return set.Workspace.Purposes[m.Purpose].Basis != crm.BasisConsent || crm.ConsentFor(known.Consents, m.Purpose, m.Channel) == crm.ConsentGranted
}

func isVisit(r *provider.Report) bool {
	return r.Event.Type == "message.opened" || r.Event.Type == "message.clicked"
}

// reported are the deliveries and clicks of messages that one webhook tells of.
type reported map[string]*store.Visited

func visitsIn(list []provider.Report) reported {
	all := reported{}
	for i := range list {
		r := &list[i]
		if r.Event.Type != "message.delivered" && r.Event.Type != "message.clicked" {
			continue
		}
		v := all[r.MessageID]
		if v == nil {
			v = &store.Visited{}
			all[r.MessageID] = v
		}
		if r.Event.Type == "message.delivered" {
			v.Arrivals = append(v.Arrivals, r.Event.Time)
		} else {
			v.Clicks = append(v.Clicks, crm.Visit{URL: r.Visit.URL, At: r.Event.Time})
		}
	}
	return all
}

// judge marks an open or a click that a provider reports as a machine's, where it is one, and takes the event out of the report
// where it may not be noticed. That the provider took the message remains.
func (s *server) judge(ctx context.Context, set *dsl.Set, report *provider.Report, together reported) error {
	if !isVisit(report) {
		return nil
	}
	v := report.Visit
	v.At = report.Event.Time
	known, err := s.Store.Visited(ctx, report.MessageID, v.At)
	if err != nil {
		return err
	}
	if !noticed(set, known, v) {
		report.Event = crm.Event{}
		return nil
	}
	if also := together[report.MessageID]; also != nil {
		known.Arrivals, known.Clicks = slices.Concat(known.Arrivals, also.Arrivals), slices.Concat(known.Clicks, also.Clicks)
	}
	if v.Machine(known.Arrivals, known.Clicks) {
		report.Event.Data["text_kind"] = crm.TextKindMachine
	}
	return nil
}
