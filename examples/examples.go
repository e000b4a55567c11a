// Package examples holds definitions that a recruiting team could start from, and the small cast that `rapport up --demo`
// plays with them.
package examples

import "embed"

// Files are the definitions, as files in the root.
//
//go:embed *.yaml
var Files embed.FS

// Candidates is the demo's cast, as `rapport candidates import` reads it.
//
//go:embed demo/candidates.csv
var Candidates []byte

// Interviewers are those who hold the demo's interviews, as `rapport interviewers import` reads them.
//
//go:embed demo/interviewers.csv
var Interviewers []byte

// Events is what the cast does, as `rapport events send` reads it.
//
//go:embed demo/events.jsonl
var Events []byte
