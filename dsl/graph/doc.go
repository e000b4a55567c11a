// Package graph draws a sequence or an interview as a flowchart that people read who do not write definitions: as Mermaid and as SVG.
//
// A program is block structured, so the drawing is made by recursion: flow.go reads blocks out of the flat code, words.go and its
// neighbours say in plain words what a step does, layout.go gives everything its place, svg.go and mermaid.go write it down.
//
// Of an interview the story is drawn, not its instructions: interview.go tells it, interviewlayout.go gives it its places.
package graph
