// Package dsltest writes random definitions, for tests of what runs them. They are right: the checker finds no error in them,
// whatever is drawn.
//
// What is written takes a workspace for granted with the statuses lead, applicant and hired, a score, the pool "club" kept by hand, the
// messages "one" and "two" by email, and the survey "evening".
package dsltest
