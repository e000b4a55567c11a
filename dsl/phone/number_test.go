package phone_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/dsl/phone"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, country, want string
	}{
		"E.164":                            {"+447700900123", "", "+447700900123"},
		"for reading":                      {"+44 (0)7700 900-123", "", "+447700900123"},
		"slashes and dots":                 {"+49 30/23125.000", "", "+493023125000"},
		"the national zero":                {"+49 (0)171 1234567", "", "+491711234567"},
		"Italy keeps its zero":             {"+39 06 1234 5678", "", "+390612345678"},
		"as dialled at home":               {"07700 900 123", "GB", "+447700900123"},
		"country in small letters":         {"07700 900 123", "gb", "+447700900123"},
		"as dialled in the United States":  {"(202) 555-0123", "US", "+12025550123"},
		"with 1 before it":                 {"1-202-555-0123", "US", "+12025550123"},
		"another country than the home":    {"+33 6 12 34 56 78", "GB", "+33612345678"},
		"00 at home":                       {"0033 6 12 34 56 78", "GB", "+33612345678"},
		"00 without a country":             {"0033612345678", "", "+33612345678"},
		"00 where 011 is dialled":          {"0033612345678", "US", "+33612345678"},
		"011":                              {"011 33 6 12 34 56 78", "US", "+33612345678"},
		"digits of another script":         {"+٤٤٧٧٠٠٩٠٠١٢٣", "", "+447700900123"},
		"blanks around, no-break within":   {"  +44\u00a07700\u00a0900123\n", "", "+447700900123"},
		"not in the plan, but long enough": {"+44 7700 900999", "", "+447700900999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := phone.Parse(c.text, c.country)
			if err != nil || got.String() != c.want {
				t.Fatalf("%q in %q is %q (%v), not %q", c.text, c.country, got, err, c.want)
			}
			if again, err := phone.Parse(got.String(), ""); err != nil || again.String() != c.want {
				t.Errorf("%q read again is %q (%v)", got, again, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, country string
		want          error
	}{
		"nothing":         {"", "GB", phone.ErrNoNumber},
		"words":           {"on request", "GB", phone.ErrNoNumber},
		"an address":      {"jo@example.org", "GB", phone.ErrNoNumber},
		"no country":      {"07700 900123", "", phone.ErrNoCountry},
		"unknown country": {"07700 900123", "XX", phone.ErrNoCountry},
		"unknown code":    {"+999 7700 900123", "", phone.ErrCode},
		"too short":       {"+44 770", "", phone.ErrShort},
		"too long":        {"+44 7700 900123 456", "", phone.ErrLong},
		"no area code":    {"555-0123", "US", phone.ErrLocal},
		"an extension":    {"+1 202 555 0123 ext. 5", "", phone.ErrExtension},
		"endless":         {"+" + strings.Repeat("1", 10_000), "", phone.ErrNoNumber},
		"NUL":             {"\x00", "GB", phone.ErrNoNumber},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := phone.Parse(c.text, c.country); !errors.Is(err, c.want) {
				t.Fatalf("%q in %q is %q with %v, not %v", c.text, c.country, got, err, c.want)
			}
		})
	}
}

func TestLandline(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]bool{
		"+442079460000": true, "+493023125000": true, "+390612345678": true, "+33145678901": true, "+34912345678": true,
		"+18005550123": true, // toll-free
		"+12025550123": false, "+447700900123": false, "+4915112345678": false, "+33612345678": false, "+61412345678": false, "+5511912345678": false,
	} {
		n, err := phone.Parse(number, "")
		if err != nil || n.Landline() != want {
			t.Errorf("%s: landline is %v, %v", number, n.Landline(), err)
		}
	}
	if (phone.Number{}).Landline() {
		t.Error("no number is a landline")
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	for number, want := range map[string][]string{
		"+12025550123":   {"America/New_York"},
		"+13105550123":   {"America/Los_Angeles"},
		"+18085550123":   {"Pacific/Honolulu"},
		"+4915112345678": {"Europe/Berlin"},
		"+5511912345678": {"America/Sao_Paulo"},
		"+61892345678":   {"Australia/Adelaide", "Australia/Perth"}, // a landline in the west
		"+882161234567":  nil,                                       // a satellite phone
	} {
		if got := zones(t, number); !slices.Equal(got, want) {
			t.Errorf("%s may be in %v, not %v", number, got, want)
		}
	}
	for number, want := range map[string]string{ // mobiles that could be anywhere in their country
		"+61412345678": "Australia/Perth", "+79161234567": "Asia/Kamchatka", "+6281234567890": "Asia/Jayapura",
		"+64211234567": "Pacific/Chatham", "+34612345678": "Atlantic/Canary", "+351912345678": "Atlantic/Azores",
		"+18005550123": "Pacific/Honolulu",
	} {
		if got := zones(t, number); len(got) < 2 || !slices.Contains(got, want) {
			t.Errorf("%s may be in %v, not also in %s", number, got, want)
		}
	}
}

func zones(t *testing.T, number string) []string {
	t.Helper()
	n, err := phone.Parse(number, "")
	if err != nil {
		t.Fatalf("%s: %v", number, err)
	}
	return n.Zones()
}

func FuzzParse(f *testing.F) {
	f.Add("+44 (0)7700 900-123", "GB")
	f.Add("001 202 555 0123 x4", "")
	f.Add("tel:+1-202-555-0123;ext=9", "us")
	f.Fuzz(func(t *testing.T, text, country string) {
		n, err := phone.Parse(text, country)
		if err != nil {
			return
		}
		again, err := phone.Parse(n.String(), "")
		if err != nil || again.String() != n.String() {
			t.Errorf("%q in %q is %s, which read again is %s (%v)", text, country, n, again, err)
		}
		n.Landline()
		n.Zones()
	})
}
