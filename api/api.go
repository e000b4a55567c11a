package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rapport-crm/rapport/activities/booking"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/activities/sendgrid"
	"github.com/rapport-crm/rapport/activities/twilio"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
)

// Config is what the API needs. Store is required; everything else may be left out.
type Config struct {
	Store     *store.Store
	PublicURL string // how candidates and providers reach this installation

	LinkSecret []byte // of the installation: signs the links that candidates get

	CalendarDomain string // of events in calendars; without it they cannot be downloaded
	// CalendarApps are those by which interviewers connect their calendars at a provider; nil where Rapport is not registered.
	CalendarApps map[crm.CalendarKind]*oauth.App
	OpenCalendar booking.Open // reaches people's calendars, to check them; nil: nobody's

	SendGrid *sendgrid.Verifier // nil or without a key: its webhooks are refused until it is set up
	Twilio   *twilio.Verifier   // nil or without a token: likewise
	// AnswerKeywords has Rapport confirm STOP and START too, for a Twilio account whose own handling of them is switched off.
	AnswerKeywords bool
	// NoTracking has links and pictures of messages that are out already notice nothing any more.
	NoTracking bool
	// Recipients are those whom the settings have data handed to, as dsl names them: for the record of processing.
	Recipients []string

	Temporal   func(context.Context) error // tells whether Temporal answers; nil: it is not asked
	TemporalUI string                      // base of links to workflows: http://localhost:8233, or with /namespaces/NAME for another than default

	Log      *slog.Logger         // nil: nothing is logged
	Now      func() time.Time     // the installation's clock; nil: time.Now
	Registry *prometheus.Registry // nil: one of its own
}

// server is the API at work.
type server struct {
	Config
	keys     *keyring
	metrics  *metrics
	inForce  *inForce
	book     *phrases.Book
	router   *gin.Engine
	huma     huma.API
	docs     func() ([]byte, error)           // made when first asked for
	document func() ([]byte, error)           // likewise
	zones    func() map[string]*time.Location // likewise
	inbound  chan struct{}                    // one token for every large body that is read at the same time
}

// requestTimeout bounds the work on one request. A store that does not answer in time is answered with 503.
const requestTimeout = 30 * time.Second

// largeBodies is how many inbound mails, each up to 30 MB, are in memory at once.
const largeBodies = 4

// New returns the API's handler. It panics when Registry already has the API's metrics: one registry serves one API.
func New(config Config) http.Handler { return newServer(config).router }

// OpenAPI returns the OpenAPI 3.1 document as indented JSON. It is the same for every configuration.
func OpenAPI() ([]byte, error) {
	return newServer(Config{}).openAPI()
}

func newServer(config Config) *server {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Registry == nil {
		config.Registry = prometheus.NewRegistry()
	}
	config.PublicURL = strings.TrimRight(config.PublicURL, "/")
	s := &server{Config: config, keys: newKeyring(config.Store), inbound: make(chan struct{}, largeBodies)}
	s.inForce = &inForce{store: config.Store, log: config.Log}
	s.book = phrases.MustOpen()
	s.metrics = newMetrics(config.Registry, config.Store)
	s.router = newRouter()
	s.router.Use(s.identify, s.observe, s.recover)
	s.router.NoRoute(func(c *gin.Context) {
		s.refuse(c, notFound("There is nothing at this address.", "See /docs for what there is."))
	})
	s.router.NoMethod(func(c *gin.Context) {
		s.refuse(c, &Problem{Status: http.StatusMethodNotAllowed, Code: CodeMethod, Detail: "This address does not take that method.", Next: "See the Allow header, or /docs."})
	})
	s.huma = humagin.New(s.router, s.humaConfig())
	s.huma.UseMiddleware(s.authorize)
	s.register()
	return s
}

func newRouter() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.UseRawPath, router.UnescapePathValues = true, true // an external id may hold a slash, written as %2F
	router.HandleMethodNotAllowed = true
	router.RedirectTrailingSlash, router.RedirectFixedPath = false, false
	return router
}

func (s *server) register() {
	s.registerEvents()
	s.registerCandidates()
	s.registerInterviewers()
	s.registerNotes()
	s.registerDefinitions()
	s.registerPools()
	s.registerExperiments()
	s.registerEnrollments()
	s.registerMeetings()
	s.registerReports()
	s.registerTasks()
	s.registerPreview()
	s.registerJobs()
	s.registerMessages()
	s.registerSuppressions()
	s.registerErasures()
	s.registerRetention()
	s.registerRecord()
	s.registerHolds()
	s.registerRequests()
	s.registerKeys()
	s.registerAudit()
	s.nameProblem()
	s.docs = sync.OnceValues(s.renderDocs)
	s.document = sync.OnceValues(s.openAPI)
	s.zones = sync.OnceValue(readZones)

	s.router.POST("/webhooks/sendgrid/events", s.sendGridEvents)
	s.router.POST("/webhooks/sendgrid/inbound", s.sendGridInbound)
	s.router.POST("/webhooks/twilio/status", s.twilioStatus)
	s.router.POST("/webhooks/twilio/inbound", s.twilioInbound)
	s.registerPages()
	s.router.GET("/openapi.json", s.showOpenAPI)
	s.router.GET("/docs", s.showDocs)
	s.router.GET("/", func(c *gin.Context) { c.Redirect(http.StatusFound, "/docs") })
	s.router.GET("/livez", s.live)
	s.router.GET("/readyz", s.ready)
	s.router.GET("/metrics", s.metrics.serve)
}

// registerPages registers the pages that signed links open.
func (s *server) registerPages() {
	s.router.GET("/u/:token", s.unsubscribePage)
	s.router.POST("/u/:token", s.unsubscribe)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		s.router.Handle(method, "/c/:token", s.followLink)
		s.router.Handle(method, "/o/:token", s.showPixel)
	}
	s.router.GET("/s/:token", s.showSurvey)
	s.router.POST("/s/:token", s.answerSurvey)
	s.router.GET("/p/:token", s.showPreferences)
	s.router.POST("/p/:token", s.changePreferences)
	s.router.GET("/i/:token", s.showInterview)
	s.router.POST("/i/:token", s.changeInterview)
	s.router.GET("/v/:token", s.showPanel)
	s.router.POST("/v/:token", s.changePanel)
	s.router.GET("/calendars/connect/:token", s.connectCalendar)
	s.router.GET("/calendars/connected", s.calendarConnected)
	s.router.GET("/rights/:token", s.requestPage)
	s.router.POST("/rights/:token", s.confirmRequest)
	s.router.GET("/data/:token", s.dataPage)
	s.router.POST("/data/:token", s.downloadData)
	s.router.GET("/confirm/:token", s.confirmPage)
	s.router.POST("/confirm/:token", s.confirm)
}

func (s *server) humaConfig() huma.Config {
	config := huma.DefaultConfig("Rapport", "1.0.0")
	config.Info.Description = "Candidate relationship management as code: send what candidates do, keep who they are, publish sequences, and see why each message went or did not."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		keyScheme: {Type: "http", Scheme: "bearer", BearerFormat: "rk_…", Description: "An API key. Each operation names the scope that the key needs; admin has them all."},
	}
	config.Tags = tags()
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{s.explain}
	return config
}

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "Events", Description: "What candidates do, and what happens to them. Sequences start and react on events."},
		{Name: "Candidates", Description: "Who they are, what they agreed to, and everything that happened and why."},
		{Name: interviewersTag, Description: "People who hold interviews: when they work, how much, in which groups, and their calendars."},
		{Name: "Definitions", Description: "Sequences, messages, pools, surveys and the workspace, as YAML. Every version is kept."},
		{Name: "Pools", Description: "Groups of candidates: those of whom a condition is true, and lists kept by hand."},
		{Name: "Enrollments", Description: "One run of a sequence for one candidate."},
		{Name: "Tasks", Description: "What people are asked to do, and messages whose fate is unknown."},
		{Name: "Jobs", Description: "What is done for many candidates at once: events told to pools, campaigns, pools that are looked at again."},
		{Name: "Privacy", Description: "Erasing candidates, and what proves that it was done."},
		{Name: "Keys", Description: "API keys and their scopes."},
	}
}

// operation describes one operation; scope is what the key needs.
func operation(method, path, id, tag, scope, summary, description string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Description: description,
		Tags: []string{tag}, Security: []map[string][]string{{keyScheme: {scope}}}, BodyReadTimeout: requestTimeout,
	}
}

func (s *server) openAPI() ([]byte, error) {
	document, err := indented(s.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	return document, nil
}
