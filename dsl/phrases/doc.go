// Package phrases is what Rapport itself says to candidates, in their language: the words of its pages, and of the few mails
// that no recruiter writes. There is one file for each language; a test holds them to the same keys.
//
// What a workspace says, such as the wording of a purpose or a survey's questions, is not here: it is shown as it was written.
package phrases
