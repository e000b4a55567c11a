package dsl

import "github.com/rapport-crm/rapport/crm"

// notInForce hints that a kind of document is checked and published, and that nothing runs it yet.
func (r *docReader) notInForce(kinds string) {
	if !r.failed() {
		r.note(r.src.root, crm.SeverityHint, codeNotInForce, kinds+" are checked and published by this version; a later one runs them.", "")
	}
}

// notYet lists what the language has and this version does not, by the place where it stands. Such a key or kind is refused
// with its own code, so that nobody takes it for a typing error. To add a construct, take it out here.
func notYet(place string) []string {
	if place == placeStep {
		return []string{"interview"}
	}
	return nil
}
