package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
)

func TestExperiments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/definitions", files(workspaceYAML, `sequence: letters
purpose: talent-community
enroll: by hand
steps:
  - id: letter
    experiment:
      arms:
        story: {weight: 3, do: [wait: 1d]}
        growth: {weight: 1, do: [wait: 2d]}
      measure: {on: page.viewed, within: 14d}
      settle: {after: 100, to: winner}
`, sequenceYAML)).want(200, nil)
	give := func(externalID, arm string) string {
		run := w.enrolled(externalID, "letters")
		w.decided(run, func(_ *crm.Facts, d *crm.Decision) {
			d.Assigned = []crm.Assignment{{Step: "letter", Arm: arm, At: d.At}}
		})
		return run
	}
	met := give("ATS-1", "story")
	give("ATS-2", "story")
	give("ATS-3", "old")
	w.dispatch(w.written("ATS-4"), func(_ *crm.Inbox, out *crm.Dispatched) {
		out.Measured = []crm.Measured{{EnrollmentID: met, Step: "letter", At: w.clock()}}
	})
	w.pass(15 * 24 * time.Hour)
	give("ATS-5", "story")

	want := api.Experiment{Step: "letter", SettleAfter: 100, Arms: []api.ExperimentArm{
		{Name: "story", Weight: 3, Assigned: 3, Measured: 1, Mature: 2, Met: 1, Rate: 0.5},
		{Name: "growth", Weight: 1},
		{Name: "old", Assigned: 1, Mature: 1},
	}}
	check := func() {
		t.Helper()
		var page api.Page[api.Experiment]
		w.call(http.MethodGet, "/v1/sequences/letters/experiments", nil).want(200, &page)
		if diff := cmp.Diff([]api.Experiment{want}, page.Items); diff != "" {
			t.Errorf("experiments differ (-want +got):\n%s", diff)
		}
	}
	check()
	if _, err := w.store.Settle(t.Context(), "letters", "letter", "story", w.clock()); err != nil {
		t.Fatal(err)
	}
	want.Settled, want.SettledAt = "story", w.clock()
	check()

	var none api.Page[api.Experiment]
	if w.call(http.MethodGet, "/v1/sequences/nurses/experiments", nil).want(200, &none); none.Items == nil || len(none.Items) != 0 {
		t.Errorf("a sequence without experiments has %+v", none.Items)
	}
	w.call(http.MethodGet, "/v1/sequences/none/experiments", nil).problem(404, api.CodeNotFound)
}
