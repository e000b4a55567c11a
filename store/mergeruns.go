package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// queueRuns hands over the runs of the one who goes, and ends those that are one too many.
func (m *merge) queueRuns(batch *pgx.Batch) {
	kept := m.keptApplications()
	last := map[string]int{} // the survivor's runs, by sequence
	var moved []*crm.Enrollment
	for i := range m.runs {
		r := &m.runs[i]
		if r.CandidateID == m.into.ID {
			last[r.Definition] = max(last[r.Definition], r.N)
			continue
		}
		if id, ok := kept[r.ApplicationID]; ok {
			r.ApplicationID = id
		}
		moved = append(moved, r)
	}
	m.queueEndings(batch, m.surplus())
	// What the survivor inherits stands at (their position, their position + the other's]: their own runs never see it.
	batch.Queue(`update enrollments set wake = wake + 1, unseen = unseen + int8multirange(int8range($2, $3, '(]'))
		where candidate_id = $1 and status <> 'closed'`, m.into.ID, m.into.position, m.into.position+m.from.position)
	for _, r := range moved {
		m.queueMoved(batch, r, last[r.Definition]+r.N)
	}
}

// queueMoved hands over one run. Its cursor moves with the events that it has seen.
func (m *merge) queueMoved(batch *pgx.Batch, r *crm.Enrollment, n int) {
	by := m.into.position
	workflow := r.WorkflowID()
	r.Progress.Shift(by)
	batch.Queue(`update enrollments set candidate_id = $2, application_id = $3, n = $4, workflow_id = $5, position = position + $6,
		progress = $7, wake = wake + case when status <> 'closed' then 1 else 0 end,
		unseen = coalesce((select range_agg(int8range(lower(u) + $6, upper(u) + $6)) from unnest(unseen) u), '{}')
		where id = $1`, r.ID, m.into.ID, optional(r.ApplicationID), n, workflow, by, r.Progress)
}

// queueEndings asks runs to end as merged. What they have planned is cancelled at once: the runs that go on may have planned
// the same.
func (m *merge) queueEndings(batch *pgx.Batch, runs []string) {
	batch.Queue("update enrollments set ending = $2, withdrawn = true where id = any($1)", list(runs), crm.OutcomeMerged)
	batch.Queue(`update messages set state = 'cancelled', reason = $2, changed_at = $3
		where enrollment_id = any($1) and state = 'planned' and calendar <> 'CANCEL'`, list(runs), crm.OutcomeMerged, moment(m.at))
}

// keptApplications gives for each application that the survivor has too the survivor's.
func (m *merge) keptApplications() map[string]string {
	kept := map[string]string{}
	for i := range m.applications {
		for j := range m.applications {
			theirs, mine := &m.applications[i], &m.applications[j]
			if theirs.CandidateID == m.from.ID && mine.CandidateID == m.into.ID && theirs.ExternalID == mine.ExternalID {
				kept[theirs.ID] = mine.ID
			}
		}
	}
	return kept
}

// surplus are the runs that end because the same sequence runs twice now, for the candidate or for one application. A run
// that was asked to end already is in nobody's way.
func (m *merge) surplus() []string {
	type slot struct{ definition, application string }
	goes := map[slot]*crm.Enrollment{}
	var ends []string
	for i := range m.runs {
		r := &m.runs[i]
		if !r.Open() || r.Ending != "" {
			continue
		}
		place := slot{r.Definition, r.ApplicationID}
		other := goes[place]
		switch {
		case other == nil:
			goes[place] = r
		case r.Further(other):
			goes[place] = r
			ends = append(ends, other.ID)
		default:
			ends = append(ends, r.ID)
		}
	}
	return ends
}
