package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
)

func TestCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.enroll(t, b.candidate(t, "ATS-1"), "nurture")
	call := crm.Call{
		Method: "POST", URL: "https://hooks.example/x", Headers: map[string]string{"X-A": "b"}, Body: `{"a": 1}`, Secret: "hook", Key: "call_1",
	}
	for _, result := range []any{map[string]any{"grade": "A", "tags": []any{"x", 1.5}}, "a text", 12.5, nil} {
		d := b.decide(t, run, func(_ *crm.Facts, d *crm.Decision) { d.Command, d.Call = crm.CommandCall, &call })
		got, answer, err := b.CallOf(t.Context(), run, d.Seq)
		if err != nil || answer != nil {
			t.Fatalf("before the call: %+v, %v", answer, err)
		}
		if diff := cmp.Diff(call, got); diff != "" {
			t.Errorf("the call differs (-want +got):\n%s", diff)
		}
		want := crm.CallResult{Seq: d.Seq, Outcome: crm.CallOK, Result: result}
		for _, r := range []crm.CallResult{want, {Seq: d.Seq, Outcome: crm.CallFailed, Reason: "timeout"}} { // the first answer stays
			if err := b.CallDone(t.Context(), run, r); err != nil {
				t.Fatal(err)
			}
		}
		_, answer, err = b.CallOf(t.Context(), run, d.Seq)
		if diff := cmp.Diff(&want, answer); diff != "" || err != nil {
			t.Errorf("the answer differs (-want +got):\n%s%v", diff, err)
		}
		b.decide(t, run, func(f *crm.Facts, _ *crm.Decision) {
			if diff := cmp.Diff(&want, f.Call); diff != "" {
				t.Errorf("the run's answer differs (-want +got):\n%s", diff)
			}
		})
	}
	d := b.decide(t, run, nil)
	_, _, err := b.CallOf(t.Context(), run, d.Seq) // a decision that asks for none
	wantCode(t, err, crm.CodeNotFound)
	wantCode(t, b.CallDone(t.Context(), "enr_none", crm.CallResult{Seq: 1, Outcome: crm.CallOK}), crm.CodeNotFound)
	other := b.enroll(t, b.candidate(t, "ATS-2"), "nurture")
	b.decide(t, other, func(f *crm.Facts, _ *crm.Decision) {
		if f.Call != nil {
			t.Errorf("a run that made no call has the answer %+v", f.Call)
		}
	})
}
