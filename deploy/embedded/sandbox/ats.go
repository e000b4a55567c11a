package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxUpdate is how many bytes an update has at most.
const maxUpdate = 1 << 20

// ATSUpdate is what the applicant tracking system was told. One that comes again, by its id, is kept once.
type ATSUpdate struct {
	Seq        int64           `json:"seq"`
	ID         string          `json:"id"` // webhook-id
	Attempts   int             `json:"attempts"`
	Body       json.RawMessage `json:"body"`
	ReceivedAt time.Time       `json:"received_at"` // on the sandbox's clock, the first time
}

// atsChange is the content of an update, as far as the page shows it.
type atsChange struct {
	Type string `json:"type"`
	Data struct {
		Candidate   string         `json:"candidate"`
		Application string         `json:"application"`
		MoveTo      string         `json:"move_to"`
		Fields      map[string]any `json:"fields"`
		Note        string         `json:"note"`
		Sequence    string         `json:"sequence"`
		Step        string         `json:"step"`
		Mode        string         `json:"mode"` // of an erasure
	} `json:"data"`
}

// tellATS is POST /ats: a request signed by the Standard Webhooks specification. The time of its signature is held against
// the real clock, also where the sandbox's runs fast.
func (s *Sandbox) tellATS(w http.ResponseWriter, r *http.Request) {
	if s.ats == nil {
		writeProblem(w, http.StatusNotFound, "The sandbox was given no secret for an applicant tracking system.")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpdate))
	if err != nil {
		writeProblem(w, http.StatusRequestEntityTooLarge, "An update has at most a megabyte.")
		return
	}
	if err := s.ats.Verify(body, r.Header); err != nil {
		writeProblem(w, http.StatusUnauthorized, "The signature does not fit.")
		return
	}
	var change atsChange
	if err := json.Unmarshal(body, &change); err != nil || change.Type != "application.update" && change.Type != "candidate.erased" || change.Data.Candidate == "" {
		writeProblem(w, http.StatusBadRequest, "This is no application.update or candidate.erased about a candidate.")
		return
	}
	id := r.Header.Get("webhook-id")
	_, err = s.pool.Exec(r.Context(), `insert into sandbox.ats_updates (id, body, received_at) values ($1, $2, $3)
on conflict (id) do update set attempts = ats_updates.attempts + 1`, id, string(body), s.now())
	if err != nil {
		s.fail(w, r, fmt.Errorf("keep update: %w", err))
		return
	}
	writeJSON(w, http.StatusOK, struct {
		ID string `json:"id"`
	}{id})
}

// ATSUpdates returns what the applicant tracking system was told, the newest first: all of it, or by an id.
func (s *Sandbox) ATSUpdates(ctx context.Context, id string, limit int) ([]ATSUpdate, error) {
	rows, err := s.pool.Query(ctx, `select seq, id, attempts, body, received_at from sandbox.ats_updates
where $1 in ('', id) order by seq desc limit $2`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("list updates: %w", err)
	}
	updates, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ATSUpdate])
	if err != nil {
		return nil, fmt.Errorf("list updates: %w", err)
	}
	return updates, nil
}

// serveATS is GET /sandbox/ats?id=.
func (s *Sandbox) serveATS(w http.ResponseWriter, r *http.Request) {
	updates, err := s.ATSUpdates(r.Context(), r.URL.Query().Get("id"), defaultLimit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Updates []ATSUpdate `json:"updates"`
	}{append([]ATSUpdate{}, updates...)})
}

// atsLine is a line of the page.
type atsLine struct {
	ID        string
	Candidate string
	What      string
	Rest      string // where it comes from
	Attempts  int
	At        time.Time
}

// atsPage is GET /ats: what the applicant tracking system was told, newest first.
func (s *Sandbox) atsPage(w http.ResponseWriter, r *http.Request) {
	frame, err := s.frame(r, "Applicant tracking system", "ats")
	var updates []ATSUpdate
	if err == nil {
		updates, err = s.ATSUpdates(r.Context(), "", pageLength)
	}
	data := struct {
		page
		Lines []atsLine
	}{page: frame}
	for i := range updates {
		var change atsChange
		if err == nil {
			err = json.Unmarshal(updates[i].Body, &change)
		}
		d := &change.Data
		data.Lines = append(data.Lines, atsLine{
			ID: updates[i].ID, Candidate: d.Candidate, What: change.words(), Rest: strings.Trim(d.Sequence+"/"+d.Step, "/"),
			Attempts: updates[i].Attempts, At: updates[i].ReceivedAt,
		})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, "ats", data)
}

// words says what is to be changed.
func (c *atsChange) words() string {
	var parts []string
	if c.Data.Mode != "" {
		parts = append(parts, "their data were taken here, so they are to be deleted there too: "+c.Data.Mode)
	}
	if c.Data.MoveTo != "" {
		parts = append(parts, c.Data.Application+" moves to "+c.Data.MoveTo)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Data.Fields)) {
		value := c.Data.Fields[name]
		if value == nil {
			value = "not known"
		}
		parts = append(parts, fmt.Sprintf("%s is %v", name, value))
	}
	if c.Data.Note != "" {
		parts = append(parts, "“"+c.Data.Note+"”")
	}
	return strings.Join(parts, ", ")
}
