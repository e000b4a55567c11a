package dsl_test

import (
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/dsl"
)

func TestPrice(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"0.04 GBP": "0.08 GBP", "0.0079 USD": "0.0158 USD", "1 EUR": "2.00 EUR", "0.000001 EUR": "0.000002 EUR", "12.5 CZK": "25.00 CZK",
		"0.04": "", "GBP 0.04": "", "0,04 EUR": "", "-1 EUR": "", "0.04 gbp": "", "0.0000001 EUR": "", "99999 EUR": "",
	} {
		t.Run(written, func(t *testing.T) {
			t.Parallel()
			set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte("workspace: w\nfrom: {sms_price: \"" + written + "\"}\n")}}, nil)
			if want == "" {
				if len(problems) != 1 || problems[0].Line != 2 || !strings.Contains(problems[0].Message, "is not a price") {
					t.Errorf("problems: %v", problems)
				}
				return
			}
			if len(problems) > 0 {
				t.Fatalf("problems: %v", problems)
			}
			if got := set.Workspace.From.SMSPrice.Of(2).String(); got != want {
				t.Errorf("two cost %s, want %s", got, want)
			}
		})
	}
	if got := (dsl.Price{}).Of(3).String(); got != "" {
		t.Errorf("an unknown price is %q", got)
	}
}
