package dsl_test

import (
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// texting is a workspace whose only rule is its quiet hours, and the facts about somebody with a phone.
func texting(quiet *dsl.Span, zone, phone string) (*dsl.Workspace, *crm.Facts) {
	ws := &dsl.Workspace{
		Calendar: &dsl.Calendar{Zone: zone, Close: 24 * 60, Days: [7]bool{true, true, true, true, true, true, true}}, QuietSMS: quiet,
		Purposes: map[string]dsl.Purpose{"news": {Basis: crm.BasisLegitimateInterest}},
	}
	return ws, &crm.Facts{Candidate: crm.Candidate{ID: "cnd_1", Phone: phone, Email: "jo@example.org"}}
}

func TestLandlinesGetNoTexts(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]string{
		"+442079460000": dsl.ReasonNotMobile, "+493023125000": dsl.ReasonNotMobile, "+18005550123": dsl.ReasonNotMobile,
		"+336399811257": dsl.ReasonNotMobile, "call me": dsl.ReasonNotMobile,
		"+447700900123": "", "+12025550123": "", "": dsl.ReasonNoAddress,
	} {
		ws, facts := texting(nil, "UTC", phone)
		for _, purpose := range []string{"news", crm.PurposeTransactional} {
			in := dsl.Intent{Channel: crm.SMS, Purpose: purpose}
			if v := dsl.Permit(ws, facts, in, friday()); v.Skip != want || !v.NotBefore.IsZero() {
				t.Errorf("%s text to %q: %+v, want %q", purpose, phone, v, want)
			}
		}
		if v := dsl.Permit(ws, facts, dsl.Intent{Channel: crm.Email, Purpose: "news"}, friday()); v.Skip != "" {
			t.Errorf("mail to who has %q: %+v", phone, v)
		}
	}
}
