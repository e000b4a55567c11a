package sandbox

import (
	"bytes"
	"embed"
	"hash/fnv"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// pagePolicy lets a page load nothing but what the sandbox itself serves, and be framed by nobody.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// bodyPolicy shows a mail's HTML with its own styles, without scripts, forms or anything from the network.
const bodyPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// page is what every page shows around its content.
type page struct {
	Title   string
	Tab     string
	Query   string
	Version string
	Stats   Stats
}

func parsePages() (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"clock":    func(t time.Time) string { return t.UTC().Format("Mon 2 Jan 15:04") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"initials": initials,
		"tint":     tint,
		"preview":  preview,
		"tone":     tone,
		"told":     told,
	}).ParseFS(templates, "templates/*.html")
}

func staticFiles() http.Handler {
	files := http.FileServerFS(static)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(w, r)
	})
}

// frame loads what is around a page's content.
func (s *Sandbox) frame(r *http.Request, title, tab string) (page, error) {
	p := page{Title: title, Tab: tab, Query: r.URL.Query().Get("q")}
	var err error
	if p.Version, err = s.version(r.Context()); err != nil {
		return page{}, err
	}
	p.Stats, err = s.Stats(r.Context())
	return p, err
}

// show writes a page whole or not at all.
func (s *Sandbox) show(w http.ResponseWriter, r *http.Request, name string, data any) {
	var buffer bytes.Buffer
	if err := s.pages.ExecuteTemplate(&buffer, name, data); err != nil {
		s.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	_, _ = buffer.WriteTo(w) // the only error left is a reader that went away
}

// initials shortens a person's name, or address, to what fits into a circle.
func initials(name, fallback string) string {
	if strings.TrimSpace(name) == "" {
		name = strings.TrimLeft(fallback, "+")
		if strings.IndexFunc(name, unicode.IsLetter) < 0 && len(name) > 2 {
			return name[len(name)-2:]
		}
	}
	var letters []rune
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if letters = append(letters, unicode.ToUpper([]rune(word)[0])); len(letters) == 2 {
			break
		}
	}
	return string(letters)
}

// tint picks one of six colours for a person, always the same one.
func tint(who string) int {
	hash := fnv.New32a()
	hash.Write([]byte(strings.ToLower(who))) //nolint:gosec // documented never to fail
	return int(hash.Sum32() % 6)
}

// preview is the beginning of a text on one line.
func preview(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > 140 {
		return string(runes[:139]) + "…"
	}
	return string(runes)
}

// tone says how a status is to be coloured.
func tone(status string) string {
	switch status {
	case eventBounce, eventDropped, eventSpam, "undelivered", "failed", "refused", "lost":
		return "bad"
	case eventOpen, eventClick, "received":
		return "lively"
	case eventDelivered, "accepted", "sent":
		return "good"
	case eventUnsubscribe, "pending":
		return "warn"
	}
	return "quiet"
}

// told says in words whether Rapport knows of something that happened.
func told(h happening) string {
	switch {
	case h.Coming:
		return "about to happen"
	case h.State == "accepted" && h.Attempts > 1:
		return "Rapport accepted it at the last of several attempts (" + h.Answer + ")"
	case h.State == "accepted":
		return "Rapport accepted it (" + h.Answer + ")"
	case h.State == "refused":
		return "Rapport refused it (" + h.Answer + ")"
	case h.State == "lost":
		return "lost on the way, by a fault that was asked for"
	case h.State == "silent":
		return "nobody to tell"
	case h.Attempts > 0:
		return "Rapport did not take it yet (" + h.Answer + "), will try again"
	}
	return "on its way to Rapport"
}
