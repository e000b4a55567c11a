package phrases

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// Languages are those that Rapport speaks, as BCP 47 tags. The first is spoken to whoever speaks none of them.
func Languages() []string { return []string{"en", "de", "fr", "es", "nl", "cy"} }

// NameOf is what the speakers of a locale's language call it; of one that is not spoken here the tag itself.
func NameOf(locale string) string {
	names := map[string]string{"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "nl": "Nederlands", "cy": "Cymraeg"}
	base, _, _ := strings.Cut(locale, "-")
	if name, ok := names[base]; ok {
		return name
	}
	return locale
}

// Words are the words of one language.
type Words struct {
	locale    string
	localizer *i18n.Localizer
}

// Book has the words of every language. It is safe for concurrent use.
type Book struct {
	byLanguage []*Words // in the order of Languages
	matcher    language.Matcher
}

// Open reads the words. The error says which file is broken; a test makes sure that none is.
func Open() (*Book, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	var tags []language.Tag
	b := &Book{}
	for _, name := range Languages() {
		if _, err := bundle.LoadMessageFileFS(files, name+".json"); err != nil {
			return nil, fmt.Errorf("read words of %s: %w", name, err)
		}
		tags = append(tags, language.Make(name))
		b.byLanguage = append(b.byLanguage, &Words{locale: name, localizer: i18n.NewLocalizer(bundle, name)})
	}
	b.matcher = language.NewMatcher(tags)
	return b, nil
}

// MustOpen is Open for those who cannot go on without. The words are part of the program: if it starts once, it always does.
func MustOpen() *Book {
	b, err := Open()
	if err != nil {
		panic(err)
	}
	return b
}

// In returns the words of the first locale that is spoken here: exactly, or in another variant. What cannot be read as a
// locale is passed over; without any it is English.
func (b *Book) In(locales ...string) *Words {
	for _, locale := range locales {
		tag, err := language.Parse(strings.ReplaceAll(locale, "_", "-"))
		if err != nil || locale == "" {
			continue
		}
		if _, i, confidence := b.matcher.Match(tag); confidence >= language.High {
			return b.byLanguage[i]
		}
	}
	return b.byLanguage[0]
}

// maxAccepted bounds how many languages of a header are looked at.
const maxAccepted = 20

// Accepted lists the locales of an Accept-Language header (RFC 9110, 12.5.4), the most wanted first. What cannot be read is
// nothing.
func Accepted(header string) []string {
	tags, weights, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return nil
	}
	var locales []string
	for i, tag := range tags[:min(len(tags), maxAccepted)] {
		if weights[i] > 0 {
			locales = append(locales, tag.String())
		}
	}
	return locales
}

// Speaks tells whether Rapport has words of its own in a locale's language.
func (b *Book) Speaks(locale string) bool {
	words := b.In(locale)
	base, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	return strings.EqualFold(words.locale, base)
}

// Locale is the language's BCP 47 tag.
func (w *Words) Locale() string { return w.locale }

// Direction is how the language is written: ltr or rtl, as HTML's dir says it.
func (w *Words) Direction() string { return Direction(w.locale) }

// Say returns the words of a key. Values are pairs of a name and its value, which stand in the words as {{.Name}}. A key that
// does not exist is said as it is: a page with a strange word is better than none.
func (w *Words) Say(key string, values ...any) string {
	data := make(map[string]any, len(values)/2)
	for i := 0; i+1 < len(values); i += 2 {
		if name, ok := values[i].(string); ok {
			data[name] = values[i+1]
		}
	}
	text, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
	if err != nil && text == "" {
		return key
	}
	return text
}

// Date writes a day as people of the language do: 3 March 2027.
func (w *Words) Date(t time.Time) string {
	return w.Say("date", "Day", t.Day(), "Month", w.Say(fmt.Sprintf("month_%02d", int(t.Month()))), "Year", t.Year())
}

// Day is Date with the day of the week.
func (w *Words) Day(t time.Time) string {
	return w.Say("day", "Weekday", w.Say(fmt.Sprintf("weekday_%d", int(t.Weekday()))), "Date", w.Date(t))
}

// Direction is how a locale's language is written: ltr or rtl.
func Direction(locale string) string {
	base, rest, _ := strings.Cut(locale, "-")
	script, _, _ := strings.Cut(rest, "-")
	switch script {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm":
		return "rtl"
	case "Latn", "Cyrl":
		return "ltr"
	}
	if slices.Contains([]string{"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur", "yi"}, base) {
		return "rtl"
	}
	return "ltr"
}
