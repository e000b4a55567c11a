package dsl

import "github.com/rapport-crm/rapport/crm"

// notInForce hints that a kind of document is checked and published, and that nothing runs it yet.
func (r *docReader) notInForce(kinds string) {
	if !r.failed() {
		r.note(r.src.root, crm.SeverityHint, codeNotInForce, kinds+" are checked and published by this version; a later one runs them.", "")
	}
}
