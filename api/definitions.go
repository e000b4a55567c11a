package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

// maxDefinitionsBody bounds a set of definitions, in bytes.
const maxDefinitionsBody = 8 << 20

// DefinitionFile is a file with one or more YAML documents.
type DefinitionFile struct {
	Path string `json:"path" maxLength:"1000" doc:"Shown with problems." example:"sequences/nurses.yaml"`
	Text string `json:"text" doc:"The YAML."`
}

// DefinitionFiles is a set of definitions to publish.
type DefinitionFiles struct {
	Files     []DefinitionFile `json:"files" minItems:"1" maxItems:"1000" nullable:"false"`
	Prune     bool             `json:"prune,omitempty" doc:"Take out of force what is not among the files: all but the workspace, and messages and surveys that open runs may still use. Versions are kept, and open runs finish on theirs."`
	Confirmed string           `json:"confirmed,omitempty" maxLength:"10000" doc:"The fingerprint of the plan that was confirmed. Publishing is refused when the definitions have changed since, or an audience by more than ten and one in twenty."`
}

// AppliedDefinition is what publishing did to one document.
type AppliedDefinition struct {
	Kind    string `json:"kind" enum:"workspace,sequence,message,pool,survey,interview,retention"`
	Name    string `json:"name"`
	Locale  string `json:"locale,omitempty"`
	Version int    `json:"version"`
	Status  string `json:"status" enum:"added,changed,unchanged,removed"`
}

// AppliedDefinitions is what publishing did, and what is worth a look.
type AppliedDefinitions struct {
	Results  []AppliedDefinition `json:"results" nullable:"false"`
	Problems []crm.Problem       `json:"problems" nullable:"false" doc:"Warnings and hints."`
}

// Definition is one version of a definition.
type Definition struct {
	Kind      string    `json:"kind"`
	Name      string    `json:"name"`
	Locale    string    `json:"locale,omitempty"`
	Version   int       `json:"version"`
	Hash      string    `json:"hash" doc:"Of the content; layout and comments do not change it."`
	File      string    `json:"file,omitempty"`
	Line      int       `json:"line,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	Active    bool      `json:"active" doc:"It is the version in force."`
	Paused    bool      `json:"paused"`
	Source    string    `json:"source,omitempty" doc:"The YAML; not in lists."`
}

type definitionInput struct {
	Kind    string `path:"kind" enum:"workspace,sequence,message,pool,survey,interview,retention"`
	Name    string `path:"name" maxLength:"200"`
	Version int    `query:"version" minimum:"0" doc:"The one in force if it is left out."`
	Locale  string `query:"locale" maxLength:"100" doc:"Of a message in another language."`
}

func (s *server) registerDefinitions() {
	put := changes(operation(http.MethodPut, "/v1/definitions", "apply-definitions", "Definitions", ScopeDefinitionsWrite, "Publish definitions",
		"All of them or none. They are checked together with those in force, which stay unless the set has a new version of them. Every problem is reported at once. Open runs stay on their version."), crm.AuditPublish, "definition")
	put.MaxBodyBytes = maxDefinitionsBody
	huma.Register(s.huma, put, s.applyDefinitions)
	plan := operation(http.MethodPost, "/v1/definitions/plan", "plan-definitions", "Definitions", ScopeDefinitionsRead, "Plan what publishing would change",
		"Nothing is stored. What is different, how many candidates would be enrolled now, how many the rules about events would have enrolled in the last 30 days, and where open runs would land if they were migrated.")
	plan.MaxBodyBytes = maxDefinitionsBody
	huma.Register(s.huma, unaudited(plan, "it changes nothing, and shows numbers"), s.planDefinitions)
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/definitions/sequence/{name}/migrate", "migrate-runs", "Definitions", ScopeDefinitionsWrite, "Move open runs to the version in force",
		"By step id: a run stays at its step, or goes on after the last one it has passed that is still there. Runs for which nobody can tell stay on their version. A call moves as many as it can in a few seconds; repeat it with next. It can be cut short and begun again."), crm.AuditMigrate, "definition"), s.migrateRuns)
	huma.Register(s.huma, changes(operation(http.MethodPost, "/v1/definitions/sequence/{name}/stop", "stop-runs", "Definitions", ScopeDefinitionsWrite, "Stop the open runs of a sequence that is not in force",
		"A call stops some; repeat it with next."), crm.AuditStop, "definition"), s.stopRuns)
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/definitions", "list-definitions", "Definitions", ScopeDefinitionsRead, "List definitions", "Those in force."), "no candidates"), s.listDefinitions)
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/definitions/{kind}/{name}", "get-definition", "Definitions", ScopeDefinitionsRead, "Get a definition", "With its YAML."), "no candidates"), s.getDefinition)
	for _, verb := range []string{"pause", "resume"} {
		op := operation(http.MethodPost, "/v1/definitions/sequence/{name}/"+verb, verb+"-sequence", "Definitions", ScopeDefinitionsWrite,
			map[string]string{"pause": "Pause a sequence", "resume": "Resume a sequence"}[verb],
			map[string]string{"pause": "Nothing is sent and nobody is enrolled until it is resumed. Exits still happen and time runs on.", "resume": "A step that is overdue takes the next window."}[verb])
		leaves(&op, verb, "definition")
		huma.Register(s.huma, op, s.pauseSequence(verb == "pause"))
	}
}

func (s *server) applyDefinitions(ctx context.Context, in *body[DefinitionFiles]) (*body[AppliedDefinitions], error) {
	for try := 1; ; try++ {
		c, err := s.resolve(ctx, &in.Body)
		if err != nil {
			return nil, problemOf(err)
		}
		if in.Body.Confirmed != "" {
			p, err := s.plan(ctx, c)
			if err != nil {
				return nil, problemOf(err)
			}
			if why := drifted(in.Body.Confirmed, p.plan.Fingerprint); why != "" {
				return nil, problemOf(&crm.Error{Code: crm.CodeConflict, Message: why, Next: "Plan again, and confirm what you see."})
			}
		}
		applied, err := s.Store.Publish(ctx, &store.Publication{Documents: c.set.Documents, Remove: c.remove, Generation: &c.generation}, s.Now())
		if crm.CodeOf(err) == crm.CodeConflict && try < publishTries {
			continue // somebody else has published since they were checked: they are checked again
		}
		if err != nil {
			return nil, problemOf(err)
		}
		out := AppliedDefinitions{Results: make([]AppliedDefinition, len(applied)), Problems: notNil(c.problems)}
		for i, a := range applied {
			out.Results[i] = AppliedDefinition{Kind: a.Kind, Name: a.Name, Locale: a.Locale, Version: a.Version, Status: a.Status}
		}
		return &body[AppliedDefinitions]{Body: out}, nil
	}
}

// publishTries is how often definitions are checked anew because others were published in between.
const publishTries = 5

func countErrors(problems []crm.Problem) int {
	n := 0
	for _, p := range problems {
		if p.Severity == crm.SeverityError {
			n++
		}
	}
	return n
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func (s *server) listDefinitions(ctx context.Context, _ *struct{}) (*body[Page[Definition]], error) {
	all, err := s.Store.ListDefinitions(ctx)
	items := []Definition{}
	for i := range all {
		if all[i].Active {
			d := definitionOf(&all[i])
			d.Source = ""
			items = append(items, d)
		}
	}
	return pageOf(items, "", err)
}

func (s *server) getDefinition(ctx context.Context, in *definitionInput) (*body[Definition], error) {
	d, err := s.Store.Definition(ctx, in.Kind, in.Name, in.Locale, in.Version)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[Definition]{Body: definitionOf(&d)}, nil
}

func definitionOf(d *store.Definition) Definition {
	return Definition{
		Kind: d.Kind, Name: d.Name, Locale: d.Locale, Version: d.Version, Hash: d.Hash, File: d.File, Line: d.Line,
		CreatedAt: d.CreatedAt, Active: d.Active, Paused: d.Paused, Source: d.Source,
	}
}

type byName struct {
	Name string `path:"name" maxLength:"200"`
}

func (s *server) pauseSequence(paused bool) func(context.Context, *byName) (*struct{}, error) {
	return func(ctx context.Context, in *byName) (*struct{}, error) {
		if err := s.sequenceExists(ctx, in.Name); err != nil {
			return nil, problemOf(err)
		}
		if err := s.Store.PauseDefinition(ctx, in.Name, paused); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil //nolint:nilnil // no content
	}
}

// sequenceExists refuses the name of a sequence that is not in force, and says which was probably meant.
func (s *server) sequenceExists(ctx context.Context, name string) error {
	active, _, err := s.Store.ActiveDefinitions(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range active {
		if d.Kind == "sequence" {
			names = append(names, d.Name)
		}
	}
	if slices.Contains(names, name) {
		return nil
	}
	return notFound("There is no sequence "+name+"."+didYouMean(name, names), "See GET /v1/definitions for those in force.")
}
