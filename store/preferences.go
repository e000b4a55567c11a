package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// Choice is whether a candidate wants to hear of one purpose on one channel.
type Choice struct {
	Purpose string
	Channel crm.Channel
	Granted bool
	Wording string // what they read
	Pending bool   // a grant has to be confirmed by who holds the address before it counts
	Default bool   // it is in force as long as nothing was said: a legitimate interest
}

// Preferences are what a candidate says on their preference page, all at once.
type Preferences struct {
	CandidateID string
	Choices     []Choice // what is not among them stays as it is
	Locale      string   // BCP 47; "": as it is
	Stop        bool     // nothing but transactional mail any more, whatever the purpose
	Events      []crm.Event
	Source      string // where they said it; kept with the consents
	At          time.Time
}

// SavePreferences brings what is in force to what the candidate says, in one transaction under their lock: two pages that are
// saved at once end as one of the two. Only what differs is added to the history, so that saving twice is saving once. Who
// wants messages on a channel takes back their own earlier unsubscribe from it; a bounce, a complaint, a STOP by text or a
// person's suppression stays. The error has crm.CodeNotFound when there is no such candidate.
func (s *Store) SavePreferences(ctx context.Context, p *Preferences) error {
	events, err := s.prepare(p.Events)
	if err != nil {
		return err
	}
	key, err := s.addressKey(ctx)
	if err != nil {
		return err
	}
	l := &locking{key: key}
	lock := &pgx.Batch{}
	lockCandidates(lock, &l.locked, []string{p.CandidateID}, nil, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return fmt.Errorf("save preferences: %w", err)
	}
	defer tx.rollback(ctx)
	id := whose(l.locked, p.CandidateID)
	if id == "" {
		return notFound("There is no such candidate.")
	}
	load := &pgx.Batch{}
	if err := l.queueLoad(load); err != nil {
		return err
	}
	var locales []string
	gather(load.Queue("select locale from candidates where id = $1", id), pgx.RowTo[string], &locales)
	if err := tx.send(ctx, load); err != nil {
		return fmt.Errorf("save preferences: %w", err)
	}
	write := &pgx.Batch{}
	if err := l.queuePreferences(write, id, locales[0], p, events, s.now()); err != nil {
		return err
	}
	if err := tx.commit(ctx, write); err != nil {
		return fmt.Errorf("save preferences: %w", err)
	}
	s.Notify(TopicEvents)
	return nil
}

// queuePreferences writes what differs from what is in force.
func (l *locking) queuePreferences(batch *pgx.Batch, id, locale string, p *Preferences, events []crm.Event, now time.Time) error {
	lines := l.choose(id, p)
	facts := make([]crm.Event, 0, len(lines)+len(events)+1)
	for i := range lines {
		facts = append(facts, consentFact(&lines[i], now))
	}
	for i := range events {
		events[i].CandidateID, events[i].Subject = id, id
	}
	facts = append(facts, events...)
	var suppress []suppression
	for _, channel := range []crm.Channel{crm.Email, crm.SMS} {
		wanted := slices.ContainsFunc(p.Choices, func(c Choice) bool { return c.Channel == channel && c.Granted })
		if p.Stop || wanted {
			suppress = append(suppress, l.suppressions(&OptOut{
				Channel: channel, CandidateID: id, Reason: crm.SuppressedUnsubscribe, Source: p.Source, At: p.At, Undo: !p.Stop,
			})...)
		}
	}
	if p.Locale != "" && p.Locale != locale {
		batch.Queue("update candidates set locale = $2, updated_at = $3 where id = $1", id, p.Locale, moment(p.At))
		facts = append(facts, fact("candidate.updated", id, now, map[string]any{"changed": []string{"locale"}}))
	}
	queueConsents(batch, lines)
	queuePauses(batch, events)
	queueSuppressions(batch, suppress)
	return queueEvents(batch, facts)
}

// choose returns the lines that bring the history to what the candidate wants.
func (l *locking) choose(id string, p *Preferences) []consentLine {
	choices := p.Choices
	if p.Stop { // also what the workspace has forgotten
		for i := range l.consents {
			choices = append(choices, Choice{Purpose: l.consents[i].Purpose, Channel: l.consents[i].Channel})
		}
	}
	var lines []consentLine
	for _, c := range choices {
		state := crm.ConsentFor(plainConsents(l.consents), c.Purpose, c.Channel)
		if state == crm.ConsentNone && c.Default {
			state = crm.ConsentGranted
		}
		switch {
		case c.Granted && (state == crm.ConsentGranted || c.Pending && state == crm.ConsentPending):
			continue
		case !c.Granted && (state == crm.ConsentRevoked || state == crm.ConsentNone):
			continue
		case !c.Granted && state == crm.ConsentPending && !p.Stop: // it counts for nothing; the answer is still to come
			continue
		}
		line := consentLine{Consent: crm.Consent{
			CandidateID: id, Purpose: c.Purpose, Channel: c.Channel, Granted: c.Granted, Source: p.Source, Wording: c.Wording,
			At: l.after(id, c.Purpose, &OptOut{Channel: c.Channel, At: p.At}), Pending: c.Granted && c.Pending,
		}}
		if line.Granted && !line.Pending { // they came by a link that was sent to the address
			line.ConfirmedAt = line.At
		}
		lines = append(lines, line)
		l.consents = append(l.consents, line)
	}
	return lines
}

// Confirmation is a candidate's word that a consent which somebody said of them is theirs.
type Confirmation struct {
	Message crm.Message // the one whose link they used
	Purpose string
	Wording string // what they read
	At      time.Time
}

// Confirm makes a consent that is pending one that counts. It is proof for the address that the message went to, so it is
// refused when the candidate has another by now, or has changed their mind since. To confirm twice is to confirm once. The error has
// crm.CodeNotFound when there is nothing to confirm.
func (s *Store) Confirm(ctx context.Context, c *Confirmation) error {
	key, err := s.addressKey(ctx)
	if err != nil {
		return err
	}
	l := &locking{key: key}
	lock := &pgx.Batch{}
	lockCandidates(lock, &l.locked, []string{c.Message.CandidateID}, nil, nil)
	tx, err := s.begin(ctx, lock)
	if err != nil {
		return fmt.Errorf("confirm consent: %w", err)
	}
	defer tx.rollback(ctx)
	load := &pgx.Batch{}
	if err := l.queueLoad(load); err != nil {
		return err
	}
	if err := tx.send(ctx, load); err != nil {
		return fmt.Errorf("confirm consent: %w", err)
	}
	id, channel := whose(l.locked, c.Message.CandidateID), c.Message.Channel
	state := crm.ConsentFor(plainConsents(l.consents), c.Purpose, channel)
	theirs := slices.Contains(l.concerned(&OptOut{Channel: channel, Address: c.Message.Address, CandidateID: "-"}), id)
	switch {
	case id == "" || !theirs || state != crm.ConsentPending && state != crm.ConsentGranted:
		return notFound("There is nothing to confirm.")
	case state == crm.ConsentGranted:
		return nil
	}
	line := consentLine{Consent: crm.Consent{
		CandidateID: id, Purpose: c.Purpose, Channel: channel, Granted: true, Source: crm.SourceDoubleOptIn, Wording: c.Wording,
		At: l.after(id, c.Purpose, &OptOut{Channel: channel, At: c.At}), ConfirmedAt: instant(c.At), ConfirmedBy: c.Message.ID,
	}}
	write := &pgx.Batch{}
	queueConsents(write, []consentLine{line})
	if err := queueEvents(write, []crm.Event{consentFact(&line, s.now())}); err != nil {
		return err
	}
	if err := tx.commit(ctx, write); err != nil {
		return fmt.Errorf("confirm consent: %w", err)
	}
	s.Notify(TopicEvents)
	return nil
}

// SuppressionsOf returns the suppressions of a candidate's present addresses.
func (s *Store) SuppressionsOf(ctx context.Context, candidateID string) ([]crm.Suppression, error) {
	rows, err := all(ctx, s, scanSuppression, `select c.candidate_id, x.channel, x.reason, x.at from contact_points c
		join suppressions x using (address_hash) where c.candidate_id = $1 order by x.at, x.reason, x.channel`, candidateID)
	if err != nil {
		return nil, fmt.Errorf("read suppressions: %w", err)
	}
	return ownedBy(rows, candidateID), nil
}
