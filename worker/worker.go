package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rapport-crm/rapport/activities"
	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
	"github.com/rapport-crm/rapport/workflows"
)

// stickyWorkflows is how many workflows a worker keeps in memory; more costs memory (about 90 kB each) and saves little, as
// most runs sleep for days.
const stickyWorkflows = 1000

// Config is what a worker needs. All fields without a default are required.
type Config struct {
	Store       *store.Store
	Temporal    client.Client
	Providers   map[crm.Channel]Provider
	Rates       map[crm.Channel]float64       // how many messages a second each provider's account takes from this worker; 0: any number
	Scale       crm.Scale                     // zero: real time
	Calls       activities.Requester          // makes the requests of call and ats steps; nil: they fail as no_calls and no_ats
	PublicURL   string                        // where candidates and providers reach the API, without a slash at the end
	ReplyDomain string                        // where mail to reply+MESSAGE@ is read by Rapport; empty: answers go to owners
	Unsubscribe func(messageID string) string // the link that unsubscribes from a message's purpose
	SurveyLink  func(messageID string) string // the link to the survey that a message invites to; nil: there is none
	ConfirmLink func(messageID string) string // the link that confirms the consent which a message asks about; nil: there is none
	// RequestLink is the link of a message of a sequence that is about a request of the candidate; nil: there is none.
	RequestLink func(messageID, sequence string) string
	// Preferences is the link to a candidate's preference page, for a message that is sent now; nil: there is none.
	Preferences    func(candidateID string, now time.Time) string
	Calendars      booking.Open // reaches people's calendars; nil: interviews find no times, as no_calendars
	CalendarDomain string       // of the UIDs of events: the same for ever
	// InterviewerPage is an interviewer's page of a meeting, for the event in their calendar and mail to them; nil: there is none.
	InterviewerPage func(meetingID, interviewerID string) string
	ErasureLog      ErasureLog                       // where erasures are written down outside the database; nil: nowhere
	Checkpoints     ErasureLog                       // where it is written down how the audit log stands; nil: in the log alone
	SchedulePage    func(enrollmentID string) string // a candidate's page of a run of an interview; nil: there is none
	Tracking        Tracking                         // who notices opens and clicks; the zero value: nobody
	TaskQueue       string                           // default workflows.TaskQueue
	BuildID         string                           // of this binary, for worker versioning; empty: unversioned
	Grace           time.Duration                    // real time that a run may be overdue before it is woken; default 30 s
	Log             *slog.Logger
}

// Worker runs workflows, activities and the queues between.
type Worker struct {
	store       *store.Store
	temporal    client.Client
	providers   map[crm.Channel]Provider
	library     *activities.Library
	decider     *activities.Decider
	caller      *activities.Caller
	scale       crm.Scale
	publicURL   string
	replyDomain string
	unsubscribe func(string) string
	surveyLink  func(string) string
	tracking    Tracking
	confirmLink func(string) string
	requestLink func(string, string) string
	preferences func(string, time.Time) string
	letters     letters
	taskQueue   string
	buildID     string
	grace       time.Duration
	log         *slog.Logger
	settled     time.Time // when experiments were looked at last; the sweeper's own

	lanes []*lane // one for each channel

	bookings  *booking.Booker // nil: no calendar can be reached
	watchRest time.Time       // until when calendars are not looked into; the loop's own
	calendars []*loop         // that look after calendars

	listsRest time.Time // until when providers are not asked for their lists; the loop's own
	listsTold string    // why they were not read the last time; the same

	scheduled   *dsl.Set  // whose policies have their schedules; the loop's own
	scheduledAt time.Time // really; the same

	erasureLog  ErasureLog          // nil: there is none
	vacuumRest  time.Time           // until when nothing is vacuumed after erasures; the loop's own
	checkpoints ErasureLog          // nil: there is none
	checked     crm.AuditCheckpoint // the last one; the loop's own

	rights   *activities.Rights
	retainer *Retainer

	events, starts, wakes, jobs, sweeper, lookups, lists, erasures, requests, retention, audits *loop
	messages                                                                                    []*loop // of the lanes
}

// New returns a worker that does nothing until Run.
func New(c Config) *Worker {
	w := &Worker{
		store: c.Store, temporal: c.Temporal, providers: c.Providers, scale: c.Scale,
		publicURL: strings.TrimSuffix(c.PublicURL, "/"), replyDomain: c.ReplyDomain, unsubscribe: c.Unsubscribe, surveyLink: c.SurveyLink,
		confirmLink: c.ConfirmLink, requestLink: c.RequestLink, preferences: c.Preferences, tracking: c.Tracking, erasureLog: c.ErasureLog, checkpoints: c.Checkpoints,
		taskQueue: c.TaskQueue, buildID: c.BuildID, grace: cmp.Or(c.Grace, defaultGrace), log: c.Log,
	}
	w.letters = letters{
		book: phrases.MustOpen(), domain: cmp.Or(c.CalendarDomain, noDomain), panel: c.InterviewerPage, schedule: c.SchedulePage,
	}
	if w.taskQueue == "" {
		w.taskQueue = workflows.TaskQueue
	}
	w.library = activities.NewLibrary(Published(c.Store), func(err error) {
		c.Log.Error("a definition in force cannot be read and is left out", "error", err) //nolint:sloglint // told once per publication, outside any request
	})
	w.decider = &activities.Decider{
		Runs: runs{c.Store}, Library: w.library, Scale: c.Scale, Now: time.Now,
	}
	w.caller = &activities.Caller{Calls: c.Store, Client: c.Calls}
	if c.Calls == nil {
		w.caller.Client = noCalls{}
	}
	if w.bookings = w.booker(&c); w.bookings != nil {
		w.caller.Meetings = w.bookings
		w.calendars = []*loop{newLoop("calendars", mirrorEvery, c.Log, w.mirror), newLoop("watch over calendars", mirrorEvery, c.Log, w.watch)}
	}
	w.events = newLoop("events", 500*time.Millisecond, c.Log, w.dispatch)
	w.starts = newLoop("starts", 500*time.Millisecond, c.Log, w.start)
	w.wakes = newLoop("wakes", 500*time.Millisecond, c.Log, w.signal)
	for _, channel := range []crm.Channel{crm.Email, crm.SMS} {
		l := newLane(channel, c.Rates[channel])
		w.lanes = append(w.lanes, l)
		send := func(ctx context.Context) (bool, error) { return w.send(ctx, l) }
		w.messages = append(w.messages, newLoop("messages by "+string(channel), 500*time.Millisecond, c.Log, send))
	}
	w.lookups = newLoop("lookups", min(lookupEvery, w.grace), c.Log, w.lookup)
	w.lists = newLoop("lists of suppressions", 10*time.Second, c.Log, w.syncLists)
	jobs := &Jobs{Store: c.Store, Library: w.library, Now: w.now, Span: w.span, Settle: jobSettle, Log: c.Log}
	w.jobs = newLoop("jobs", 250*time.Millisecond, c.Log, jobs.Work)
	w.erasures = newLoop("erasures", erasuresEvery, c.Log, w.erase)
	w.retention = newLoop("retention", schedulesEvery, c.Log, w.retain)
	w.rights = &activities.Rights{Requests: c.Store, Erase: w.rightsErase, Keeping: w.keeping, Library: w.library, Scale: c.Scale, Now: time.Now}
	w.retainer = &Retainer{Store: c.Store, Library: w.library, Now: w.now, Span: w.span, Log: c.Log}
	w.requests = newLoop("requests", requestsEvery, c.Log, w.wakeRequests)
	w.audits = newLoop("checkpoints of the audit log", checkpointEvery, c.Log, w.checkpoint)
	w.sweeper = newLoop("sweeper", min(sweepEvery, w.grace), c.Log, w.sweep)
	return w
}

// Run works until the context ends, then finishes what is under way. It returns an error only when it cannot start.
func (w *Worker) Run(ctx context.Context) error {
	worker.SetStickyWorkflowCacheSize(stickyWorkflows)
	options := worker.Options{
		MaxConcurrentWorkflowTaskPollers:        8,
		MaxConcurrentLocalActivityExecutionSize: 32, // each holds a database connection
		WorkerStopTimeout:                       10 * time.Second,
	}
	if w.buildID != "" {
		options.DeploymentOptions = worker.DeploymentOptions{
			UseVersioning:             true,
			Version:                   worker.WorkerDeploymentVersion{DeploymentName: "rapport", BuildID: w.buildID},
			DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
		}
	}
	sdk := worker.New(w.temporal, w.taskQueue, options)
	w.register(sdk)
	if err := sdk.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	defer sdk.Stop()

	var running sync.WaitGroup
	running.Go(func() { w.listen(ctx) })
	for _, l := range slices.Concat([]*loop{w.events, w.starts, w.wakes, w.jobs, w.sweeper, w.lookups, w.lists, w.erasures, w.requests, w.retention, w.audits}, w.messages, w.calendars) {
		running.Go(func() { l.run(ctx) })
	}
	running.Wait()
	return nil
}

// Decider returns the worker's decider, for those who decide without a workflow around it.
func (w *Worker) Decider() *activities.Decider { return w.decider }

// register binds workflows and activities to the names that they are called by.
func (w *Worker) register(r worker.Registry) {
	r.RegisterWorkflowWithOptions(workflows.Sequence, workflow.RegisterOptions{Name: workflows.SequenceType})
	r.RegisterWorkflowWithOptions(workflows.Sequence, workflow.RegisterOptions{Name: workflows.InterviewType})
	r.RegisterWorkflowWithOptions(workflows.Retention, workflow.RegisterOptions{Name: workflows.RetentionType})
	bind(r, workflows.RetentionActivity, w.retainer.Retain)
	bind(r, workflows.DecideActivity, w.decider.Decide)
	bind(r, workflows.CallActivity, w.caller.Call)
	r.RegisterWorkflowWithOptions(workflows.Request, workflow.RegisterOptions{Name: workflows.RequestType})
	bind(r, workflows.RequestActivity, w.rights.Advance)
}

// bind registers a function under the handle by which workflows call it. A function of other types does not compile.
func bind[In, Out any](r worker.Registry, handle workflows.Activity[In, Out], f func(context.Context, In) (Out, error)) {
	r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: string(handle)})
}

// listen rings a loop's bell when its queue was filled, by this process or another. Without it a loop would notice half a
// second later.
func (w *Worker) listen(ctx context.Context) {
	queues := map[string][]*loop{
		store.TopicEvents: {w.events}, store.TopicStarting: {w.starts}, store.TopicWakes: {w.wakes}, store.TopicMessages: w.messages,
		store.TopicJobs: {w.jobs}, store.TopicErasures: {w.erasures}, store.TopicRequests: {w.requests}, store.TopicRetention: {w.retention},
	}
	err := w.store.Listen(ctx, slices.Sorted(maps.Keys(queues)), func(topic string) {
		for _, l := range queues[topic] {
			l.ring()
		}
	})
	if err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "not listening for work, polling instead", "error", err)
	}
}

// now is Rapport's time.
func (w *Worker) now() time.Time { return w.scale.Now(time.Now()) }

// span is d, in real time, as Rapport's clock counts it.
func (w *Worker) span(d time.Duration) time.Duration {
	at := time.Now()
	return w.scale.Now(at.Add(d)).Sub(w.scale.Now(at))
}

// links are what templates can link to.
func (w *Worker) links(m *crm.Message, step *sendStep) map[string]string {
	links := map[string]string{}
	if page := w.letters.page(m); page != "" {
		links["schedule"] = page
	}
	if m.Recipient != "" { // the others are the candidate's
		return links
	}
	if step.survey != "" && w.surveyLink != nil {
		links["survey"] = w.surveyLink(m.ID)
	}
	if w.preferences != nil {
		links["preferences"] = w.preferences(m.CandidateID, w.now())
	}
	if m.Step == crm.StepNotice { // a consent says that they want to stay
		links["consent"] = links["preferences"]
	}
	if w.confirmLink != nil && strings.HasPrefix(m.Definition, dsl.PrefixConfirm) {
		links["consent"] = w.confirmLink(m.ID)
	}
	if w.requestLink != nil && dsl.AboutRequests(m.Definition) {
		links["request"] = w.requestLink(m.ID, m.Definition)
	}
	if w.unsubscribe != nil {
		links["unsubscribe"] = w.unsubscribe(m.ID)
	}
	return links
}
