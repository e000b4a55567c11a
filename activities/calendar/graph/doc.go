// Package graph reaches an Outlook or Exchange calendar by Microsoft Graph, version 1.0.
//
// Graph gives each event a UID of its own and takes none, so ours is kept beside it in an extended property. It invites whoever is
// listed, and cannot be told not to ("Create event"); so nobody is, and the owner cannot answer to the event itself. An invitation
// by mail to the same owner is a second event there, and its answer counts as the answer.
//
// All times are asked for and put in UTC: names of zones are Windows' here, and only some others ("dateTimeTimeZone resource
// type").
package graph
