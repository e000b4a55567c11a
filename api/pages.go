package api

import (
	"embed"
	"html/template"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/dsl/phrases"
)

// page is a page for candidates: who speaks, and what about.
type page struct {
	*phrases.Words

	Title   string
	Content any
	Refresh int // seconds after which the page looks again; 0: never
}

// pageText is a page of a few words, with a button or without. Action is what the button's form says beside its address.
type pageText struct{ Title, Text, Button, Action string }

// speak returns the words for a page: in the candidate's language, else in the browser's, else in the workspace's. Locale is the
// candidate's, "" when nobody may know whose page it is.
func (s *server) speak(c *gin.Context, locale string) *phrases.Words {
	locales := append([]string{locale}, phrases.Accepted(c.GetHeader("Accept-Language"))...)
	if set, err := s.inForce.get(c.Request.Context()); err == nil && set.Workspace != nil {
		locales = append(locales, set.Workspace.Locale)
	}
	return s.book.In(locales...)
}

// showPage shows a page of a few words.
func (s *server) showPage(c *gin.Context, words *phrases.Words, status int, text pageText) {
	s.show(c, status, "words", &page{Words: words, Title: text.Title, Content: text})
}

// show shows a page for candidates: it works without scripts, and nothing on it comes from or goes anywhere else.
func (s *server) show(c *gin.Context, status int, name string, content *page) {
	header := c.Writer.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", content.Locale())
	if content.Refresh > 0 { // only of pages on which there is nothing to fill in
		header.Set("Refresh", strconv.Itoa(content.Refresh))
	}
	c.Status(status)
	if err := pageTemplates.ExecuteTemplate(c.Writer, name, content); err != nil {
		s.Log.DebugContext(c.Request.Context(), "page not written", "error", err)
	}
}

// deadLink is shown for every link that cannot be used, whatever is wrong with it, so that it tells nothing of anybody.
func (s *server) deadLink(c *gin.Context) {
	words := s.speak(c, "")
	s.showPage(c, words, http.StatusNotFound, pageText{Title: words.Say("dead_title"), Text: words.Say("dead_text")})
}

// tryAgain tells the candidate that it is not their fault.
func (s *server) tryAgain(c *gin.Context, err error) {
	s.logProblem(c.Request.Context(), unavailable(err))
	c.Header("Retry-After", "60")
	words := s.book.In(phrases.Accepted(c.GetHeader("Accept-Language"))...) // the database is asked no more
	s.showPage(c, words, http.StatusServiceUnavailable, pageText{Title: words.Say("try_title"), Text: words.Say("try_text")})
}

//go:embed pages/*.html
var pageFiles embed.FS

//nolint:gochecknoglobals // a constant: parsed once, never written to
var pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))
