// Package google reaches a Google calendar by its REST API, version 3 (Google Calendar API Reference).
//
// An event is put by import, under our UID, so that an invitation by mail with the same UID is the same event for Google and not
// another. It belongs to the owner's own copy alone: others who are invited are not listed, for Google would put it into their
// calendars as well. The owner is, so that they can answer; nobody is sent anything.
package google
