package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/wallclock"
	"github.com/rapport-crm/rapport/store"
)

// Provider hands a message to a provider. Its errors are *crm.SendError.
type Provider interface {
	Send(ctx context.Context, m crm.Outgoing) (crm.Receipt, error)
}

const (
	claimBatch = 64
	// lease is how long (really, not on the scaled clock) a claim may take. It outlives the provider call by far; a claim that
	// outlives it belonged to a process that died, and nobody knows what became of the message.
	lease        = 90 * time.Second
	claimTimeout = 15 * time.Second
	sendTimeout  = 30 * time.Second
	retryAfter   = 30 * time.Second // when the provider does not say
)

// send claims due messages of a channel and hands them to its provider. The claim is committed before the provider is called,
// so a message is never offered twice by two senders, nor again after a crash.
func (w *Worker) send(ctx context.Context, l *lane) (more bool, err error) {
	if !l.pausedUntil().IsZero() {
		return false, nil
	}
	set, err := w.library.Active(ctx)
	if err != nil {
		return false, err
	}
	// From here on a worker that is told to stop finishes first: a claim that was committed and abandoned ends as unknown.
	ctx = context.WithoutCancel(ctx)
	claims, err := w.claim(ctx, set, l)
	if err != nil || len(claims) == 0 {
		return false, err
	}
	taken := make(chan store.Accepted, len(claims))
	noted := make(chan error, 1)
	go func() { noted <- w.accept(ctx, taken, set.Mentions("message.sent")) }()
	err = each(ctx, claims, func(ctx context.Context, c store.Claim) error {
		return w.deliver(ctx, set, l, &c, taken)
	})
	close(taken)
	return true, errors.Join(err, <-noted)
}

// claim takes due messages. What it holds up is bounded, so that a database that does not answer cannot keep a worker from
// stopping.
func (w *Worker) claim(ctx context.Context, set *dsl.Set, l *lane) ([]store.Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	now := w.now()
	return w.store.Claim(ctx, now, l.channel, l.batch, w.span(lease), func(c *store.Claim) store.Verdict {
		return w.lastCheck(ctx, set, c, now)
	})
}

// acceptEvery is how long a receipt waits for others, to be written down with them in one transaction.
const acceptEvery = 20 * time.Millisecond

// accept writes down which messages were taken, until the channel is closed.
func (w *Worker) accept(ctx context.Context, taken <-chan store.Accepted, tell bool) error {
	var all []error
	for first := range taken {
		batch := []store.Accepted{first}
		full := time.After(acceptEvery)
	gather:
		for {
			select {
			case next, open := <-taken:
				if !open {
					break gather
				}
				batch = append(batch, next)
			case <-full:
				break gather
			}
		}
		all = append(all, w.note(ctx, func() error {
			_, err := w.store.AcceptAll(ctx, batch, tell)
			return err
		}))
	}
	return errors.Join(all...)
}

// lastCheck applies the rules of sending once more, under the candidate's lock: what was decided an hour ago may be wrong by
// now.
func (w *Worker) lastCheck(ctx context.Context, set *dsl.Set, c *store.Claim, now time.Time) store.Verdict {
	m := &c.Message
	if w.scale.Scaled() {
		now = m.NotBefore // at a day a second, the moment it takes to get here is hours
	}
	_, step, err := w.step(ctx, m)
	if err != nil && !now.After(m.NotAfter) {
		w.log.ErrorContext(ctx, "definition of a planned message not readable", "message", m.ID, "error", err)
		return store.Verdict{State: crm.MessagePlanned, NotBefore: now.Add(w.span(time.Minute))}
	}
	var rules dsl.Intent
	if step != nil {
		rules = step.Intent
	}
	v := dsl.LastCheck(set.Workspace, &c.Facts, rules, m, now)
	if c.Case != nil && (v.State == crm.MessageClaimed || v.State == crm.MessageSkipped) && !noticeStands(set, c, now) {
		v = dsl.Clearance{State: crm.MessageSkipped, Reason: dsl.ReasonMoot}
	}
	return store.Verdict{State: v.State, Reason: v.Reason, NotBefore: v.NotBefore, NotAfter: v.NotAfter, Address: addressee(c)}
}

// addressee is the address that a message goes to.
func addressee(c *store.Claim) string {
	if c.Message.Recipient == "" {
		return c.Facts.Candidate.Address(c.Message.Channel)
	}
	if to := c.Facts.Recipient; to != nil {
		return to.Email
	}
	return ""
}

// sendStep is the step that planned a message, with the rules that hold for it.
type sendStep struct {
	dsl.Intent
	send   *dsl.Send
	survey string // the name of the survey that the message invites to, or ""
}

func (w *Worker) step(ctx context.Context, m *crm.Message) (*dsl.Program, *sendStep, error) {
	if m.Step == crm.StepNotice {
		program, step := w.retentionStep(m)
		return program, step, nil
	}
	program, err := w.library.Program(ctx, m.Hash)
	if err != nil {
		return nil, nil, err
	}
	if m.Calendar != "" { // Rapport's own words, whatever had it sent
		return program, ownWords(m), nil
	}
	in, ok := program.Instr(m.Step)
	if !ok || in.Send == nil {
		return nil, nil, fmt.Errorf("no send step %q in %s", m.Step, program.Name)
	}
	step := &sendStep{Intent: program.Intent(in.Send, m.ID), send: in.Send}
	if in.Op == dsl.OpSurvey {
		step.survey = in.Survey.Use
	}
	return program, step, nil
}

// deliver renders a claimed message and calls the provider. A receipt goes to taken; what else came of it is written down.
func (w *Worker) deliver(ctx context.Context, set *dsl.Set, l *lane, c *store.Claim, taken chan<- store.Accepted) error {
	m := &c.Message
	out, template, err := w.render(ctx, set, c)
	if err != nil {
		w.log.ErrorContext(ctx, "message not rendered", "message", m.ID, "error", err)
		return w.note(ctx, func() error { return w.store.Refuse(ctx, m.ID, "template", w.now()) })
	}
	provider, ok := w.providers[m.Channel]
	if !ok {
		return w.note(ctx, func() error { return w.store.Refuse(ctx, m.ID, "no_provider", w.now()) })
	}
	if m.Channel == crm.SMS { // a text carries nothing of ours, so this is what a look-up knows it by
		handover := store.Handover{ID: m.ID, Sender: out.From, BodyHash: crm.BodyHash(out.Text)}
		if err := w.note(ctx, func() error { return w.store.Prepare(ctx, []store.Handover{handover}) }); err != nil {
			return err
		}
	}
	if paused, err := l.admit(ctx); err != nil || !paused.IsZero() {
		return errors.Join(err, w.note(ctx, func() error { return w.store.Release(ctx, m.ID, w.scale.Now(paused)) }))
	}
	if w.now().After(m.LeaseUntil.Add(-w.span(sendTimeout))) { // this process was stopped: by now the candidate may be erased
		return w.note(ctx, func() error { return w.store.Release(ctx, m.ID, w.now()) })
	}
	call, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	receipt, err := provider.Send(call, *out)
	if err != nil {
		return w.failed(ctx, l, m, err)
	}
	taken <- store.Accepted{ID: m.ID, Acceptance: store.Acceptance{
		Provider: receipt.Provider, ProviderID: receipt.ProviderID, Address: out.To, Subject: out.Subject,
		TemplateHash: template.Hash, At: w.now(),
	}}
	return nil
}

// note writes down what came of a message. The provider cannot be asked again, so an outage of the database is waited out for
// as long as the claim is ours; after that the message's fate is unknown, which is then the truth.
func (w *Worker) note(ctx context.Context, write func() error) error {
	ours := time.Now().Add(lease - sendTimeout)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := write()
		if err == nil || crm.CodeOf(err) != "" || time.Now().After(ours) {
			return err
		}
		w.log.WarnContext(ctx, "what came of a message is not written down yet, trying again", "error", err)
		time.Sleep(pause)
	}
}

// failed writes down that there is no receipt. What is not certain is unknown.
func (w *Worker) failed(ctx context.Context, l *lane, m *crm.Message, err error) error {
	failure := &crm.SendError{Class: crm.SendUnknown, Code: "unclassified", Err: err}
	errors.As(err, &failure)
	w.log.WarnContext(ctx, "message not accepted", "message", m.ID, "class", failure.Class, "code", failure.Code)
	switch failure.Class {
	case crm.SendRetry:
		wait := failure.RetryAfter
		if wait == 0 {
			wait = retryAfter
		}
		if failure.Account {
			l.pause(wait)
		}
		return w.note(ctx, func() error { return w.store.Release(ctx, m.ID, w.scale.Now(time.Now().Add(wait))) })
	case crm.SendSuppress:
		return errors.Join(w.suppress(ctx, m, failure.Code), w.note(ctx, func() error { return w.store.Refuse(ctx, m.ID, failure.Code, w.now()) }))
	case crm.SendRefused:
		return w.note(ctx, func() error { return w.store.Refuse(ctx, m.ID, failure.Code, w.now()) })
	case crm.SendUnknown:
	}
	return w.note(ctx, func() error { return w.store.Unknown(ctx, m.ID, failure.Code, w.now()) })
}

// suppress notes what a provider says of an address once and for all: of a number, that its owner opted out of every message
// there, whoever sends it; of a mailbox, that it does not exist.
func (w *Worker) suppress(ctx context.Context, m *crm.Message, code string) error {
	o := store.OptOut{Channel: m.Channel, Address: m.Address, Reason: crm.SuppressedBounce, At: w.now()}
	if m.Recipient == "" {
		o.CandidateID = m.CandidateID
	}
	o.Source = string(m.Channel) + " provider " + code
	if m.Channel == crm.SMS {
		o.Reason = crm.SuppressedStop
	}
	return w.note(ctx, func() error {
		_, err := w.store.ReceiveWithOptOuts(ctx, nil, []store.OptOut{o})
		return err
	})
}

// render makes the message out of its template as it is now, and whom it is for as they are now.
func (w *Worker) render(ctx context.Context, set *dsl.Set, c *store.Claim) (*crm.Outgoing, *dsl.Template, error) {
	m, candidate := &c.Message, &c.Facts.Candidate
	program, step, err := w.step(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	about := w.about(set, c)
	if dsl.TellsOfRequest(m.Definition) {
		if about.request, err = w.requestLetter(ctx, set, about); err != nil {
			return nil, nil, err
		}
	}
	template := about.template(set, step)
	if template == nil {
		return nil, nil, fmt.Errorf("no message %q", m.Template)
	}
	owner := set.Workspace.Person(cmp.Or(candidate.Owner, program.Owner))
	links := w.links(m, step)
	var footer *dsl.Footer
	if m.Channel == crm.Email && !m.Transactional() && m.Recipient == "" {
		footer = &dsl.Footer{Address: set.Workspace.From.Address, Unsubscribe: links["unsubscribe"], Preferences: links["preferences"]}
	}
	vars := w.vars(set, step, about, owner, links)
	if m.Step == crm.StepNotice {
		if err := w.due(ctx, set, m, vars); err != nil {
			return nil, nil, err
		}
	}
	rendered, err := template.Render(vars, footer)
	if err != nil {
		return nil, nil, fmt.Errorf("render %s: %w", m.Step, err)
	}
	opens, clicks := false, false
	if m.Recipient == "" { // what colleagues open is nobody's business
		opens, clicks = w.tracking.apply(rendered, m, set.Workspace)
	}
	out := &crm.Outgoing{
		TrackOpens: opens, TrackClicks: clicks,
		MessageID: m.ID, Channel: m.Channel, To: addressee(c), Text: rendered.Text,
		Categories: []string{m.Definition, m.Definition + "/" + m.Step},
	}
	if m.Channel == crm.SMS {
		out.From, out.StatusURL = set.Workspace.From.SMS, w.publicURL+"/webhooks/twilio/status?message="+m.ID
		return out, template, nil
	}
	out.Subject, out.HTML = rendered.Subject, rendered.HTML
	out.ToName = about.name()
	w.address(out, set.Workspace, owner, step.send.FromOwner)
	out.Headers = headers(m, c.Facts.Messages, out.From, links["unsubscribe"])
	if out.Attachments, err = w.invitation(set, about, out); err != nil {
		return nil, nil, fmt.Errorf("write invitation: %w", err)
	}
	return out, template, nil
}

// vars are what the message can show: the candidate's score as it is worth now, and of an invitation to a survey what the
// survey says of itself, and of what is about an interview when and where that is.
func (w *Worker) vars(set *dsl.Set, step *sendStep, about *about, owner dsl.Person, links map[string]string) map[string]any {
	c := about.claim
	candidate := c.Facts.Candidate
	candidate.Score = set.Workspace.Score(&candidate, w.now())
	vars := dsl.Vars(&candidate, application(&c.Facts), &c.Facts.Enrollment, owner, links)
	if about.meeting != nil {
		vars["interview"] = dsl.InterviewVars(about.meeting, c.Message.Appointment, about.with(), about.zone)
	}
	if step.survey == "" {
		return vars
	}
	intro := step.survey // also when the survey was withdrawn in the meantime
	if s := set.Surveys[step.survey]; s != nil && s.Intro != "" {
		intro = s.Intro
	}
	vars["survey"] = map[string]any{"intro": intro}
	return vars
}

// due adds the moment that a notice names, by the clocks of its policy.
func (w *Worker) due(ctx context.Context, set *dsl.Set, m *crm.Message, vars map[string]any) error {
	due, err := w.store.NoticeDue(ctx, m.ID)
	if err != nil {
		return err
	}
	if p := set.Retentions[m.Definition]; p != nil {
		if zone, err := wallclock.Zone(p.Zone); err == nil {
			due = due.In(zone)
		}
	}
	vars["retention"] = map[string]any{"due": due}
	return nil
}

// application is the application that a run is about, or nil.
func application(f *crm.Facts) *crm.Application {
	for i := range f.Applications {
		if f.Applications[i].ID == f.Enrollment.ApplicationID {
			return &f.Applications[i]
		}
	}
	return nil
}
