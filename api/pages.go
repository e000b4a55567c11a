package api

import (
	"embed"
	"html/template"

	"github.com/gin-gonic/gin"
)

// pageText is a page of a few words, with a button or without.
type pageText struct{ Title, Text, Button string }

// showPage shows a page of a few words.
func (s *server) showPage(c *gin.Context, status int, text pageText) {
	s.show(c, status, "words", text)
}

// show shows a page for candidates: it works without scripts, and nothing on it comes from or goes anywhere else.
func (s *server) show(c *gin.Context, status int, name string, content any) {
	header := c.Writer.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	if err := pageTemplates.ExecuteTemplate(c.Writer, name, content); err != nil {
		s.Log.DebugContext(c.Request.Context(), "page not written", "error", err)
	}
}

//go:embed pages/*.html
var pageFiles embed.FS

//nolint:gochecknoglobals // a constant: parsed once, never written to
var pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))
