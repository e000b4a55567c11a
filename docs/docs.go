// Package docs holds pages that the command can show.
package docs

import _ "embed" // for the page

// Problems is the page of problem codes, in Markdown: a section for each, `## R0123 Title`.
//
//go:embed problems.md
var Problems string
