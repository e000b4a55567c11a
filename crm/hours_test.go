package crm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

func TestHours(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", " ; ;": "",
		"mon-fri 09:00-17:30":                                        "mon-fri 09:00-17:30",
		"mon-fri 09:00-12:00,13:00-17:30; fri 09:00-12:00":           "mon-thu 09:00-12:00,13:00-17:30; fri 09:00-12:00",
		"Monday 9:00-10:00;TUE 09:00-10:00":                          "mon-tue 09:00-10:00",
		"mon, wed,fri 13:00-14:00, 08:00-09:00":                      "mon 08:00-09:00,13:00-14:00; wed 08:00-09:00,13:00-14:00; fri 08:00-09:00,13:00-14:00",
		"sat-mon 00:00-24:00":                                        "mon 00:00-24:00; sat-sun 00:00-24:00",
		"sun 10:00-11:00; mon 10:00-11:00":                           "mon 10:00-11:00; sun 10:00-11:00",
		"mon 09:00-10:00,10:00-11:00":                                "mon 09:00-10:00,10:00-11:00",
		"\u00a0mon\t09:00-10:00 ":                                    "mon 09:00-10:00",
		"sun-sat 09:00-17:00":                                        "mon-sun 09:00-17:00",
		"mon 08:00-09:00; mon-tue 10:00-11:00;tuesday 12:00-13:00; ": "mon 10:00-11:00; tue 12:00-13:00",
	} {
		hours, err := crm.ParseHours(text)
		if err != nil || hours.String() != want {
			t.Errorf("%q is %q, %v, want %q", text, hours.String(), err, want)
		}
		if again, err := crm.ParseHours(hours.String()); err != nil || again.String() != want {
			t.Errorf("%q is read as %q, %v", want, again.String(), err)
		}
		if hours.IsZero() != (want == "") {
			t.Errorf("%q is zero: %v", text, hours.IsZero())
		}
	}
	friday, err := crm.ParseHours("fri 09:15-24:00")
	if err != nil || len(friday[time.Friday]) != 1 || friday[time.Friday][0] != (crm.DayPart{From: 555, To: 1440}) {
		t.Errorf("Friday is %v, %v", friday[time.Friday], err)
	}
}

func TestWrongHours(t *testing.T) {
	t.Parallel()
	for text, part := range map[string]string{
		"mon-fri":                               "no hours",
		"09:00-17:00":                           "no days",
		"mon-fry 09:00-17:00":                   `"mon-fry" is not a day`,
		"mo 09:00-17:00":                        `"mo" is not a day`,
		"mon 9-17":                              "no hours such as",
		"mon 09:00":                             "no hours such as",
		"mon 09:00-25:00":                       "no hours such as",
		"mon 24:00-24:00":                       "no time",
		"mon 17:00-09:00":                       "crosses midnight",
		"mon 09:00-12:00,11:00-13:00":           "overlap",
		"mon 09:00-12:00 tue 09:00-12:00":       "semicolon",
		"mon-fri 09:00-17:00; x 1":              `"x" is not`,
		strings.Repeat("x", 99) + " 9:00-10:00": "…",
		"-mon 09:00-10:00":                      "not a day",
		"mon 09:00-10:00-11:00":                 "no hours such as",
	} {
		if hours, err := crm.ParseHours(text); err == nil || !strings.Contains(err.Error(), part) || !hours.IsZero() {
			t.Errorf("%q: %v, %v, want %q", text, &hours, err, part)
		}
	}
}

func FuzzHours(f *testing.F) {
	f.Add("mon-fri 09:00-12:00,13:00-17:30; fri 09:00-12:00")
	f.Add("sat-mon 0:00-24:00")
	f.Fuzz(func(t *testing.T, text string) {
		hours, err := crm.ParseHours(text)
		if err != nil {
			return
		}
		again, err := crm.ParseHours(hours.String())
		if err != nil || again.String() != hours.String() {
			t.Errorf("%q is %q, read as %q, %v", text, hours.String(), again.String(), err)
		}
	})
}
