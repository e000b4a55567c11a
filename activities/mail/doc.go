// Package mail reads what people, and their mail programs, write back: a mail as it is on the wire, or one that a provider has
// taken apart. It finds the text in any charset, says whether a person wrote it, and cuts what was quoted. It speaks to nobody
// and loses no mail: what cannot be read is left out, and the mail says that it is damaged.
package mail
