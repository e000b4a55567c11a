package api

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// Bounds of what is kept of a reply, in characters and files.
const (
	maxReplyText    = 20_000
	maxReplySubject = 500
	maxReplyFiles   = 20
	maxFileName     = 200
)

// replyHorizon is how old the last message to an address may be for a reply, which names none, to be the answer to it.
const replyHorizon = 30 * 24 * time.Hour

// The events of what comes in.
const (
	eventReplied     = "message.replied"
	eventAutoReplied = "message.auto_replied"
	eventBounced     = "message.bounced"
)

// reply is something that a candidate wrote to us, or that a machine did for them.
type reply struct {
	provider   string
	channel    crm.Channel
	from       string
	externalID string
	eventType  string // message.replied or message.auto_replied
	kind       string // text_kind, or ""
	text       string
	more       map[string]any // of the event's data
	mentions   []string       // ids of messages that it may answer, the likeliest first
}

// event makes events of a reply: of the message that it names, else of the last one to that address, else of whoever has
// the address. It is nobody's when nobody has it.
func (s *server) event(ctx context.Context, r *reply) ([]crm.Event, error) {
	message, err := s.mentioned(ctx, r.mentions)
	if err != nil {
		return nil, err
	}
	if message != nil {
		e := s.replyEvent(r)
		if r.from != "" && crm.NormalAddress(r.channel, r.from) != crm.NormalAddress(r.channel, message.Address) {
			e.Data["other_address"] = true // it was passed on, or they have two
		}
		return s.add(nil, e, message), nil
	}
	now := s.Now()
	last, err := s.Store.LastMessageTo(ctx, r.channel, r.from, now.Add(-replyHorizon), now)
	if err == nil {
		return s.add(nil, s.replyEvent(r), &last), nil
	}
	if crm.CodeOf(err) != crm.CodeNotFound {
		return nil, err
	}
	candidates, err := s.Store.CandidatesByAddress(ctx, r.channel, r.from)
	if err != nil {
		return nil, err
	}
	var events []crm.Event
	for i := range candidates {
		e := s.replyEvent(r)
		e.CandidateID, e.Subject = candidates[i].ID, candidates[i].ID
		if i > 0 { // they share the address
			e.ExternalID += "/" + candidates[i].ID
		}
		events = append(events, e)
	}
	return events, nil
}

// mentioned returns the first message of the ledger among those that a reply names, or nil.
func (s *server) mentioned(ctx context.Context, ids []string) (*crm.Message, error) {
	ledger := ledger{store: s.Store, found: map[string]*crm.Message{}}
	for _, id := range ids {
		message, err := ledger.message(ctx, id)
		if message != nil || err != nil {
			return message, err
		}
	}
	return nil, nil //nolint:nilnil // it names none of ours
}

func (s *server) replyEvent(r *reply) crm.Event {
	data := map[string]any{"channel": string(r.channel)}
	maps.Copy(data, r.more)
	if r.kind != "" {
		data["text_kind"] = r.kind
	}
	if text := strings.ReplaceAll(strings.ToValidUTF8(r.text, "\ufffd"), "\x00", ""); text != "" {
		data["text"] = firstCharacters(text, maxReplyText)
	}
	now := s.Now()
	return crm.Event{Source: r.provider, ExternalID: r.externalID, Type: r.eventType, Time: now, ReceivedAt: now, Data: data}
}

// removals are what a reply leads to that asks, in its writer's own words, to be left alone: the runs of whoever it belongs to
// rest until a person has read it, but for those about something that the candidate is part of.
func (s *server) removals(ctx context.Context, events []crm.Event, words string) ([]store.Removal, error) {
	var removals []store.Removal
	for i := range events {
		e := &events[i]
		spared, err := s.transactional(ctx, e.CandidateID)
		if err != nil {
			return nil, err
		}
		removals = append(removals, store.Removal{
			CandidateID: e.CandidateID, Event: e.ExternalID, Title: removalTitle(words), Spared: spared, At: s.Now(),
		})
	}
	return removals, nil
}

// removalWords bounds what a task's title tells of a reply, in characters.
const removalWords = 120

func removalTitle(words string) string {
	words = strings.Join(strings.Fields(words), " ")
	if short := firstCharacters(words, removalWords); short != words {
		words = strings.TrimSpace(short) + "…"
	}
	return "asks to be removed: " + words
}

// transactional lists the hashes of the definitions of a candidate's open runs that are about something the candidate is part of.
// What cannot be read counts as none.
func (s *server) transactional(ctx context.Context, candidateID string) ([]string, error) {
	var hashes []string
	seen := map[string]bool{}
	for after := ""; ; {
		runs, next, err := s.Store.ListEnrollments(ctx, store.EnrollmentFilter{Candidate: candidateID, Limit: 500, After: after})
		if err != nil {
			return nil, err
		}
		for i := range runs {
			if hash := runs[i].Hash; runs[i].Open() && !seen[hash] {
				seen[hash] = true
				spared, err := s.isTransactional(ctx, hash)
				if err != nil {
					return nil, err
				}
				if spared {
					hashes = append(hashes, hash)
				}
			}
		}
		if after = next; after == "" {
			return hashes, nil
		}
	}
}

func (s *server) isTransactional(ctx context.Context, hash string) (bool, error) {
	d, err := s.Store.DefinitionByHash(ctx, hash)
	if err != nil {
		return false, unlessNotFound(err)
	}
	program, err := dsl.Compile(d.Document)
	if err != nil {
		s.Log.WarnContext(ctx, "definition of a run cannot be read", "hash", hash)
		return false, nil
	}
	return program.Transactional(), nil
}

// countInbound counts what came in once it is kept. What belongs to nobody is only counted: whose it might be is not written down.
func (s *server) countInbound(ctx context.Context, channel crm.Channel, r received, notice bool) {
	result := "nobody"
	switch {
	case r.answered:
		result = "invitation"
	case len(r.events) > 0:
		result = strings.TrimPrefix(r.events[0].Type, "message.")
	case notice:
		result = "notice"
	default:
		s.Log.InfoContext(ctx, "message from nobody we know", "channel", string(channel), "request_id", requestID(ctx))
	}
	s.metrics.inbound.WithLabelValues(string(channel), result).Inc()
}

func firstCharacters(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
