package worker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/retention"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/workflows"
)

const (
	retentionPage  = 1000             // candidates that are looked at together
	retentionActs  = 20               // of them that are told or taken before the run is read again
	retentionPiece = 10 * time.Second // of work, really, in one activity
	// retentionRest is how long (really) somebody is left alone to whom a message is on its way, or of whom an event is, and retentionTries
	// how often.
	retentionRest  = 30 * time.Second
	retentionPause = time.Second // really; after an error that interrupts a piece
	retentionTries = 20
	// retentionLongest is for how long (really) somebody is left alone at most whose turn fails again and again.
	retentionLongest = 10 * time.Minute
	// retentionHandover is how long before the next run one ends whose only turns fail: it must not be in that one's way.
	retentionHandover = time.Hour
	// noticeGood is for how long a notice may wait to be sent: quiet hours and weekends are shorter.
	noticeGood = 7 * 24 * time.Hour
	leastGood  = time.Minute // really, where days are shortened
	// noticePriority is that of nurture mail: thousands of notices must not be in the way of an interview.
	noticePriority = 5
	withdrawn      = "withdrawn"
	anotherRun     = "another_run"
	bySchedule     = "rapport"
	reasonDue      = "due"
)

// Retainer does runs of retention policies, a piece at a time. Any number can work beside each other, also on one run.
type Retainer struct {
	Store   *store.Store
	Library *activities.Library
	Now     func() time.Time                  // Rapport's clock
	Span    func(time.Duration) time.Duration // a real duration as that clock counts it
	Page    int                               // candidates that are looked at together; 0: 1,000
	Piece   time.Duration                     // of work, really, in one call; 0: 10 s
	Log     *slog.Logger

	mu    sync.Mutex
	of    *dsl.Set // that rules are of
	rules *retention.Rules
}

// active are the policies in force.
func (r *Retainer) active(ctx context.Context) (*retention.Rules, error) {
	set, err := r.Library.Active(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == set {
		return r.rules, nil
	}
	rules, err := retention.New(set)
	if err != nil {
		return nil, err
	}
	r.of, r.rules = set, rules
	return rules, nil
}

// Retain does the next piece of a run.
func (r *Retainer) Retain(ctx context.Context, step workflows.RetentionStep) (workflows.RetentionProgress, error) {
	defer beat(ctx)()
	p, err := r.piece(ctx, step)
	if err == nil || ctx.Err() != nil {
		return p, err
	}
	code := errorCode(err)
	r.Log.ErrorContext(ctx, "run of retention policy rests, trying again", "policy", step.Policy, "workflow", step.Workflow, "error", err)
	_ = r.Store.FailRetention(ctx, step.Workflow, code) // where the database does not answer, nobody can read it there either
	return p, temporal.NewApplicationError("run retention policy: "+code, code)
}

// errorCode is what may be told of an error in a workflow's history.
func errorCode(err error) string {
	if state := store.SQLState(err); state != "" {
		return "sqlstate_" + state
	}
	if code := crm.CodeOf(err); code != "" {
		return string(code)
	}
	if errors.Is(err, context.Canceled) {
		return "cancelled"
	}
	return "internal"
}

func (r *Retainer) piece(ctx context.Context, step workflows.RetentionStep) (workflows.RetentionProgress, error) {
	rules, err := r.active(ctx)
	if err != nil {
		return workflows.RetentionProgress{}, err
	}
	first := crm.RetentionRun{Policy: step.Policy, Workflow: step.Workflow, At: r.Now()}
	first.Day = rules.Day(step.Policy, first.At)
	policy := rules.Policy(step.Policy)
	if policy != nil {
		first.Hash, first.MaxShare = policy.Hash, policy.MaxShare
	}
	run, err := r.Store.BeginRetention(ctx, &first)
	switch {
	case err != nil:
		return workflows.RetentionProgress{}, err
	case run == nil:
		return workflows.RetentionProgress{Ended: true, Outcome: anotherRun, Details: "Another run of this policy is today's."}, nil
	case run.Open() && (policy == nil || policy.Then == ""):
		run.State = crm.RetentionStopped
		return progress(run), r.Store.EndRetention(ctx, run.Policy, run.Day, withdrawn, "")
	}
	p := &piece{Retainer: r, rules: rules, run: run, end: time.Now().Add(r.length()), stop: stopping(ctx)}
	if err := p.work(ctx); err != nil {
		return workflows.RetentionProgress{}, err
	}
	done := progress(p.run)
	done.Rest = p.rest
	return done, nil
}

func (r *Retainer) length() time.Duration {
	if r.Piece > 0 {
		return r.Piece
	}
	return retentionPiece
}

// stopping is closed when the worker is to stop; nil outside one.
func stopping(ctx context.Context) <-chan struct{} {
	if !activity.IsActivity(ctx) {
		return nil
	}
	return activity.GetWorkerStopChannel(ctx)
}

// beatEvery is how often (really) a piece of work tells Temporal that its worker is alive. It does so however long a page takes: that
// somebody waits for a slow database is no reason to begin again.
const beatEvery = time.Second

// beat tells so until it is stopped.
func beat(ctx context.Context) (stop func()) {
	if !activity.IsActivity(ctx) {
		return func() {}
	}
	end := make(chan struct{})
	go func() {
		for tick := time.NewTicker(beatEvery); ; {
			select {
			case <-end:
				tick.Stop()
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return sync.OnceFunc(func() { close(end) })
}

// piece is some seconds of a run.
type piece struct {
	*Retainer

	rules *retention.Rules
	run   *crm.RetentionRun
	end   time.Time
	stop  <-chan struct{}
	rest  time.Duration
}

// work does pages until the time is over or there is nothing to do. After an error it comes to nothing only if the first page did: what was
// done stands, and the run goes on after a moment.
func (p *piece) work(ctx context.Context) error {
	for done := 0; p.run.Open() && p.run.State != crm.RetentionAsked && p.rest == 0; done++ {
		err := p.next(ctx)
		switch {
		case err != nil && done == 0 || ctx.Err() != nil:
			return cmp.Or(err, ctx.Err())
		case err != nil:
			p.Log.WarnContext(ctx, "run of retention policy is interrupted, going on in a moment", "policy", p.run.Policy, "day", p.run.Day, "error", err)
			p.rest = retentionPause
		case p.over():
			return nil
		}
	}
	return nil
}

// over tells whether the piece is long enough, or the worker is to stop.
func (p *piece) over() bool {
	select {
	case <-p.stop:
		return true
	default:
		return !time.Now().Before(p.end)
	}
}

func (p *piece) next(ctx context.Context) error {
	if p.run.State == crm.RetentionLooking {
		return p.look(ctx)
	}
	return p.act(ctx)
}

// look looks at the next candidates, and does nothing but note for whom there is something to do.
func (p *piece) look(ctx context.Context) error {
	limit := p.Page
	if limit == 0 {
		limit = retentionPage
	}
	cases, err := p.Store.RetentionCases(ctx, p.run.Cursor, limit, p.rules.Reads())
	if err != nil {
		return err
	}
	from, acts := p.run.Cursor, []string(nil)
	for i := range cases {
		c := &cases[i]
		if p.found(p.rules.Judge(c, p.run.At)) {
			acts = append(acts, c.Facts.Candidate.ID)
		}
		p.run.Cursor = c.Facts.Candidate.ID
		p.run.Looked++
	}
	if len(cases) < limit {
		p.run.State = crm.RetentionActing
		if p.run.Guarded() {
			p.run.State = crm.RetentionAsked
			p.Log.WarnContext(ctx, "retention policy would do more than it may unasked, and asks", "policy", p.run.Policy, "day", p.run.Day,
				"due", p.run.Due, "notify", p.run.Notify, "scope", p.run.Scope, "max_share", p.run.MaxShare, "first", p.run.First)
		}
	}
	ours, err := p.Store.LookedAt(ctx, p.run, from, acts)
	if err != nil || ours {
		return err
	}
	return p.reload(ctx)
}

// found counts a verdict, and tells whether the policy has something to do.
func (p *piece) found(v *retention.Verdict) bool {
	applies := false
	for i := range v.Rules {
		applies = applies || v.Rules[i].Policy == p.run.Policy && v.Rules[i].Applies
	}
	if !applies {
		return false
	}
	p.run.Scope++
	switch {
	case v.Policy == p.run.Policy && v.State == retention.Due:
		p.run.Due++
		return true
	case v.Policy == p.run.Policy && v.State == retention.Notify:
		p.run.Notify++
		return true
	}
	if p.run.Kept == nil {
		p.run.Kept = map[string]int64{}
	}
	p.run.Kept[keptReason(v)]++
	return false
}

// keptReason is why a policy leaves somebody alone to whom it applies. Another may take them.
func keptReason(v *retention.Verdict) string {
	if v.Reason != "" {
		return v.Reason
	}
	return crm.KeptOther
}

// act tells the next candidates, or takes their data. Those whose turn fails are put off, so that they hold up nobody. If no turn of a page
// came through, it is more than one candidate's trouble, and an error.
func (p *piece) act(ctx context.Context) error {
	now := p.Now()
	ids, next, err := p.Store.RetentionActs(ctx, p.run.Policy, p.run.Day, now, retentionActs)
	switch {
	case err != nil:
		return err
	case next.IsZero():
		if err := p.Store.EndRetention(ctx, p.run.Policy, p.run.Day, "", ""); err != nil {
			return err
		}
		return p.reload(ctx)
	}
	failed, err := p.turns(ctx, ids, now)
	if err != nil {
		return err
	}
	if err := p.reload(ctx); err != nil {
		return err
	}
	switch {
	case len(failed) < len(ids):
		return p.recovered(ctx)
	case p.run.Error != "" && p.late(now): // the schedule starts no run beside this one; the next finds whom this one leaves
		if err := p.Store.EndRetention(ctx, p.run.Policy, p.run.Day, p.run.Error, ""); err != nil {
			return err
		}
		return p.reload(ctx)
	case len(ids) == 0:
		p.rest = p.until(now, next)
	}
	return errors.Join(failed...)
}

// turns gives each of some candidates their turn. Failed are the errors of those who were put off.
func (p *piece) turns(ctx context.Context, ids []string, now time.Time) (failed []error, err error) {
	for _, id := range ids {
		turn := store.RetentionTurn{Policy: p.run.Policy, Day: p.run.Day, Candidate: id, At: now, Types: p.rules.Reads()}
		result, err := p.Store.Retain(ctx, turn, p.decide)
		switch {
		case err != nil && ctx.Err() != nil:
			return failed, err
		case err != nil:
			if note := p.Store.FailTurn(ctx, turn, errorCode(err), p.Span(retentionPause), p.Span(retentionLongest)); note != nil {
				return failed, errors.Join(err, note)
			}
			p.Log.WarnContext(ctx, "turn in a run of a retention policy failed, trying again later", "policy", p.run.Policy, "day", p.run.Day, "candidate", id, "error", err)
			failed = append(failed, err)
		case result == crm.RetentionLater:
			if err := p.Store.PostponeRetention(ctx, turn, now.Add(p.Span(retentionRest)), retentionTries); err != nil {
				return failed, err
			}
		case result == crm.RetentionOver:
			return failed, nil
		}
	}
	return failed, nil
}

// recovered takes an error back that the run no longer rests for.
func (p *piece) recovered(ctx context.Context) error {
	if p.run.Error == "" || p.run.Waiting > 0 || !p.run.Open() {
		return nil
	}
	p.run.Error = ""
	return p.Store.FailRetention(ctx, p.run.Workflow, "")
}

// late tells whether the policy's next run is near.
func (p *piece) late(now time.Time) bool {
	next := p.rules.NextRun(p.run.Policy, p.run.At)
	return !next.IsZero() && !now.Before(next.Add(-retentionHandover))
}

// until is how long, really, there is nothing to do.
func (p *piece) until(now, next time.Time) time.Duration {
	pace := float64(p.Span(time.Second)) / float64(time.Second)
	return min(max(time.Duration(float64(next.Sub(now))/pace), retentionPause), retentionLongest)
}

// decide judges a candidate as they are now.
func (p *piece) decide(c *crm.RetentionCase) crm.RetentionAct {
	now := p.Now()
	v := p.rules.Judge(c, now)
	if v.Policy != p.run.Policy {
		return crm.RetentionAct{Reason: keptReason(v)}
	}
	id := c.Facts.Candidate.ID
	switch v.State { //nolint:exhaustive // nothing is done in the others
	case retention.Due:
		return crm.RetentionAct{Erasure: &crm.Erasure{
			Candidate: id, Mode: v.Then, Rule: crm.RetentionPrefix + v.Policy, Reason: reasonDue, By: bySchedule, At: now,
		}}
	case retention.Notify:
		policy := p.rules.Policy(v.Policy)
		return crm.RetentionAct{
			Notice: &crm.RetentionNotice{Policy: v.Policy, Until: v.Until, Due: v.DueAt, At: now, State: crm.NoticePlanned},
			Message: &crm.Message{
				ID: crm.NewID(crm.PrefixMessage, now), CandidateID: id, EnrollmentID: crm.NewID(crm.PrefixEnrollment, now), Definition: policy.Name, Hash: policy.Hash,
				Step: crm.StepNotice, Occurrence: 1, Channel: crm.Email, Purpose: crm.PurposeTransactional, Template: policy.Notice.Email, Priority: noticePriority,
				State: crm.MessagePlanned, PlannedAt: now, NotBefore: now, NotAfter: now.Add(max(noticeGood, p.Span(leastGood))),
			},
		}
	}
	return crm.RetentionAct{Reason: keptReason(v)}
}

// noticeStands tells whether a notice that is about to be sent still says what is true: its policy takes the data, nothing stands against
// it, and the date is the one that it is about. Of one that does not nobody is told, and it is no notice.
func noticeStands(set *dsl.Set, c *store.Claim, now time.Time) bool {
	rules, err := retention.New(set)
	if err != nil {
		return false
	}
	v := rules.Judge(c.Case, now)
	return v.Policy == c.Message.Definition && v.State == retention.Noticed && v.Notice.State == string(crm.NoticePlanned)
}

// reload reads the run as it is by now.
func (p *piece) reload(ctx context.Context) error {
	run, err := p.Store.RetentionRun(ctx, p.run.Policy, p.run.Day)
	if err != nil {
		return err
	}
	p.run = &run
	return nil
}

// progress says how far a run is.
func progress(run *crm.RetentionRun) workflows.RetentionProgress {
	return workflows.RetentionProgress{
		Ended: !run.Open(), Outcome: string(run.State), Asked: run.State == crm.RetentionAsked, Details: run.Standing(),
	}
}
