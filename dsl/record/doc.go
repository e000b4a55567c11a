// Package record makes the record of processing activities that GDPR Art. 30 asks a controller for out of the definitions in force: what each
// sequence, interview, survey and retention policy does with whose data, why, who gets some of it, and how long it is kept.
//
// Nothing in it is written by hand twice: what a definition reads is taken from its conditions and texts, what is stored from crm.Catalogue,
// and what nobody has said is in Missing, never guessed. The same definitions and settings on the same day make the same record.
package record
