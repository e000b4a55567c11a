package phrases_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/dsl/phrases"
)

func open(t *testing.T) *phrases.Book {
	t.Helper()
	book, err := phrases.Open()
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func file(t *testing.T, locale string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(locale + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]string
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every language says everything, with the same values in it, and nothing that nobody asks for.
func TestLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	value := regexp.MustCompile(`{{[^}]*}}`)
	english, book := file(t, "en"), open(t)
	for _, locale := range phrases.Languages() {
		texts, spoken := file(t, locale), book.In(locale)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(texts))); diff != "" {
			t.Errorf("%s has other keys than English (-en +%s):\n%s", locale, locale, diff)
		}
		for key, text := range texts {
			if strings.TrimSpace(text) == "" || strings.TrimSpace(text) != text {
				t.Errorf("%s: %s is %q", locale, key, text)
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(value.FindAllString(english[key], -1))), slices.Sorted(slices.Values(value.FindAllString(text, -1)))); diff != "" {
				t.Errorf("%s: %s has other values than English:\n%s", locale, key, diff)
			}
			if !strings.Contains(text, "{{") && spoken.Say(key) != text {
				t.Errorf("%s: %s is said as %q", locale, key, spoken.Say(key))
			}
			if locale != "en" && text == english[key] && len(value.ReplaceAllString(text, "")) > len("excellent") {
				t.Errorf("%s: %s is not translated", locale, key)
			}
		}
	}
}

func TestIn(t *testing.T) {
	t.Parallel()
	book := open(t)
	for _, c := range []struct {
		name    string
		locales []string
		want    string
	}{
		{"nothing is known", nil, "en"},
		{"exactly", []string{"cy"}, "cy"},
		{"another variant", []string{"de-AT"}, "de"},
		{"as some systems write it", []string{"fr_CA"}, "fr"},
		{"the first that is spoken", []string{"pl-PL", "nl-BE", "de"}, "nl"},
		{"none that is spoken", []string{"ja", "pl"}, "en"},
		{"nonsense goes to the next", []string{"", "!!", "es-MX"}, "es"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := book.In(c.locales...); got.Locale() != c.want || got.Direction() != "ltr" {
				t.Errorf("In(%q) = %s (%s), want %s", c.locales, got.Locale(), got.Direction(), c.want)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][]string{
		"":                               nil,
		"de-CH,de;q=0.9,en;q=0.1":        {"de-CH", "de", "en"},
		"en;q=0.2, cy":                   {"cy", "en"},
		"nl;q=0, fr":                     {"fr"},
		"\x00;;;":                        nil,
		strings.Repeat("de,", 5000) + "": nil,
	} {
		if got := phrases.Accepted(header); len(header) < 1000 && !slices.Equal(got, want) || len(got) > 20 {
			t.Errorf("Accepted(%.40q) = %q, want %q", header, got, want)
		}
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	german := open(t).In("de")
	if got, want := german.Say("preferences_for", "Address", "m…@example.org"), "Diese Auswahl gilt für m…@example.org."; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	if got := german.Say("no_such_key"); got != "no_such_key" {
		t.Errorf("an unknown key is said as %q", got)
	}
	day := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	var dates []string
	for _, locale := range phrases.Languages() {
		dates = append(dates, open(t).In(locale).Date(day))
	}
	want := []string{"1 March 2027", "1. März 2027", "1 mars 2027", "1 de marzo de 2027", "1 maart 2027", "1 Mawrth 2027"}
	if diff := cmp.Diff(want, dates); diff != "" {
		t.Error(diff)
	}
}

func TestDirection(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{"ar": "rtl", "he-IL": "rtl", "az-Arab": "rtl", "uz-Cyrl-UZ": "ltr", "en": "ltr", "": "ltr"} {
		if got := phrases.Direction(locale); got != want {
			t.Errorf("Direction(%q) = %s, want %s", locale, got, want)
		}
	}
}
