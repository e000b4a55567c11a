// Package seal keeps secrets of others, such as the password of somebody's calendar, unreadable for whoever has the database
// and not the key: AES-256-GCM, with the place that a secret belongs to bound to it, so that it opens nowhere else.
//
// It is not for secrets that need not be read again: those are hashed.
package seal
